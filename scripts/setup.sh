# Sourced by quickstart.sh and run_tests.sh: installs what is missing on Debian 12 and configures a build.
#
#   need_packages PACKAGE...         installs the missing ones (root or sudo), or says what to install
#   configure PRESET [CMAKE ARG...]  configures build/PRESET

# What building needs. Each is used: compiler, build tools, oneDNN, image codecs, gzip, JSON, command line.
BUILD_PACKAGES="g++ cmake ninja-build git libdnnl-dev libjpeg62-turbo-dev libpng-dev zlib1g-dev nlohmann-json3-dev libcli11-dev"

package_installed() {
  [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

apt() {
  if [ "$(id -u)" = 0 ]; then DEBIAN_FRONTEND=noninteractive apt-get -qq "$@"
  elif command -v sudo >/dev/null; then sudo DEBIAN_FRONTEND=noninteractive apt-get -qq "$@"
  else return 1; fi
}

try_packages() {
  missing=""
  for package in "$@"; do package_installed "$package" || missing="$missing $package"; done
  [ -z "$missing" ] && return 0
  command -v apt-get >/dev/null || return 1
  echo "installing:$missing"
  # shellcheck disable=SC2086
  { apt update && apt install -y --no-install-recommends $missing; } >/tmp/rlnas-apt.log 2>&1
}

need_packages() {
  if ! try_packages "$@"; then
    echo "error: these Debian packages are missing and could not be installed (see /tmp/rlnas-apt.log):$missing" >&2
    exit 1
  fi
}

configure() {
  preset=$1
  shift
  if ! cmake --preset "$preset" "$@" >build-configure.log 2>&1; then
    cat build-configure.log >&2
    exit 1
  fi
  rm -f build-configure.log
}
