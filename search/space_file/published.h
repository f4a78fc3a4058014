// The files of the published spaces (spaces/*.json), which are part of the program.
#pragma once

namespace rlnas::space_file {

extern const char* const kNasbench201File;
extern const char* const kMobilenetFile;
extern const char* const kDartsCifarFile;
extern const char* const kDartsImagenetFile;

}  // namespace rlnas::space_file
