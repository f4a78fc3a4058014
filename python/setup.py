"""A wheel with the library inside: that of RLNAS_LIBRARY, or one built here by CMake from the folder above."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

from setuptools import Distribution, setup
from setuptools.command.build_py import build_py

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parent


def built_library(folder: pathlib.Path) -> pathlib.Path:
    """librlnas.so by CMake; RLNAS_CMAKE_ARGS are passed on (-DRLNAS_CUDA=OFF)."""
    arguments = os.environ.get("RLNAS_CMAKE_ARGS", "").split()
    configure = ["cmake", "-S", SOURCE, "-B", folder, "-DCMAKE_BUILD_TYPE=Release", "-DRLNAS_BUILD_TESTS=OFF"]
    subprocess.run([*configure, *arguments], check=True, stdout=sys.stderr)
    subprocess.run(["cmake", "--build", folder, "--target", "rlnas", "--parallel"], check=True, stdout=sys.stderr)
    return folder / "api" / "librlnas.so"


class BuildWithLibrary(build_py):
    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        named = os.environ.get("RLNAS_LIBRARY")
        library = pathlib.Path(named) if named else built_library(pathlib.Path(self.build_lib).resolve().parent / "cmake")
        # Of a chain of links the file itself.
        shutil.copyfile(library.resolve(strict=True), pathlib.Path(self.build_lib) / "rlnas" / "librlnas.so")


class PlatformDistribution(Distribution):
    """Has a library in it, but no extension of this Python's: one wheel serves every Python 3."""

    def has_ext_modules(self) -> bool:
        return True


def commands() -> dict:
    try:
        from setuptools.command.bdist_wheel import bdist_wheel
    except ImportError:
        from wheel.bdist_wheel import bdist_wheel

    class AnyPython(bdist_wheel):
        def get_tag(self):
            return "py3", "none", super().get_tag()[2]

    return {"build_py": BuildWithLibrary, "bdist_wheel": AnyPython}


def version() -> str:
    found = re.search(r"project\(rlnas VERSION ([0-9.]+)", (SOURCE / "CMakeLists.txt").read_text())
    return found.group(1) if found else "0"


setup(version=version(), distclass=PlatformDistribution, cmdclass=commands())
