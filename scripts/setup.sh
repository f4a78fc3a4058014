# Sourced by quickstart.sh and run_tests.sh: installs what is missing on Debian 12, configures and builds.
#
#   need_packages PACKAGE...         installs the missing ones (root or sudo), or says what to install
#   try_packages PACKAGE...          the same, but returns an error where they cannot be had
#   configure PRESET [CMAKE ARG...]  configures build/PRESET
#   build PRESET [CMAKE ARG...]      builds it, and shows how far it is
#   phase NAME                       what begins now
#   print_times                      how long each phase took
# Logs lie in build/.

# What building needs. Each is used: compiler, build tools, oneDNN, image codecs, gzip, JSON, command line.
BUILD_PACKAGES="g++ cmake ninja-build git libdnnl-dev libjpeg62-turbo-dev libpng-dev zlib1g-dev nlohmann-json3-dev libcli11-dev libeigen3-dev"

mkdir -p build
apt_log=build/apt.log

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
  { apt update && apt install -y --no-install-recommends $missing; } >"$apt_log" 2>&1
}

need_packages() {
  if ! try_packages "$@"; then
    echo "error: these Debian packages are missing and could not be installed (see $apt_log):$missing" >&2
    exit 1
  fi
}

configure() {
  preset=$1
  shift
  if ! cmake --preset "$preset" "$@" >"build/configure-$preset.log" 2>&1; then
    grep '^error: ' "build/configure-$preset.log" >&2 || cat "build/configure-$preset.log" >&2
    exit 1
  fi
}

# Ninja's lines [done/all], one every ten seconds.
every_ten_seconds() {
  local line last=$SECONDS
  while IFS= read -r line; do
    [[ $line =~ ^\[([0-9]+)/([0-9]+)\] ]] || continue
    if ((SECONDS - last >= 10)); then
      last=$SECONDS
      echo "  ${BASH_REMATCH[1]} of ${BASH_REMATCH[2]}, after $((SECONDS - phase_start)) s"
    fi
  done
}

build() {
  preset=$1
  shift
  if [ -t 1 ]; then
    cmake --build --preset "$preset" "$@"  # Ninja keeps a line of its own up to date
    return
  fi
  local log=build/build-$preset.log
  if ! cmake --build --preset "$preset" "$@" 2>&1 | tee "$log" | every_ten_seconds; then
    grep -v '^\[[0-9]*/[0-9]*\] ' "$log" >&2
    exit 1
  fi
}

phase_name=""
phase_start=$SECONDS
phase_times=""

end_phase() {
  [ -z "$phase_name" ] || phase_times="$phase_times${phase_times:+, }$phase_name $((SECONDS - phase_start)) s"
  phase_name=""
}

phase() {
  end_phase
  phase_name=$1
  phase_start=$SECONDS
}

print_times() {
  end_phase
  echo "times: $phase_times"
}
