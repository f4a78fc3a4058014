// A network's graph as text, without weights: for Graphviz, and for other programs.
#pragma once

#include <string>

#include "search/export/export_network.h"

namespace rlnas {

// Of Graphviz: `dot -Tsvg`. The nodes that run, stage by stage, with the shapes of their values.
std::string graph_dot(const ExportNetwork& network);

// {"format": "rlnas-network", "version": 1, "space", "arch", "weights", "classes", "input", "macs", "params",
//  "nodes": [{"name", "kind", "inputs": [names], "shape": [C,H,W] or [C], "stage", what the kind has, "macs",
//  "params"}], "output"}. params: of the nodes that run.
std::string graph_json(const ExportNetwork& network);

}  // namespace rlnas
