# SPDX-License-Identifier: MIT
# Sourced by ./tests/run and ./examples/run.
#
#   need_packages gcc meson ...    have these Debian packages installed, or stop
#   try_npm name@version ...       have these in $TEST_NPM, or say that they are not
#   try_npm_built name@version     the same of one that is built when it is installed

_as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	else
		sudo "$@"
	fi
}

# Root, or sudo that works without a question or can ask it.
_may_install() {
	[ "$(id -u)" = 0 ] && return 0
	command -v sudo >/dev/null || return 1
	sudo -n true 2>/dev/null && return 0
	[ -t 0 ] && id -nG | grep -qwE 'sudo|wheel|admin' && sudo -v
}

_missing_packages() {
	local package

	for package; do
		dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed ||
			printf '%s\n' "$package"
	done
}

need_packages() {
	local missing

	if ! command -v dpkg-query >/dev/null; then
		echo "This is not Debian; what its packages hold must be there: $*" >&2
		return 0
	fi
	missing=$(_missing_packages "$@" | tr '\n' ' ')
	[ -z "$missing" ] && return 0
	if ! _may_install; then
		echo "Missing packages, and neither root nor sudo to install them. Please run:" >&2
		echo "    apt-get install ${missing% }" >&2
		exit 1
	fi
	echo "Installing: ${missing% }"
	_as_root apt-get update -qq &&
		# shellcheck disable=SC2086
		_as_root env DEBIAN_FRONTEND=noninteractive DEBCONF_NOWARNINGS=yes apt-get install -qq -y \
			--no-install-recommends $missing >/dev/null && return 0
	echo "Installing failed. Needed are: ${missing% }" >&2
	exit 1
}

# Programs that tests ask for an opinion; what is missing is a test that is skipped.
export TEST_NPM=${TEST_NPM:-${XDG_CACHE_HOME:-$HOME/.cache}/libfaas/npm}

# seconds, what npm may do, packages
_npm() {
	local seconds=$1 scripts=$2 package name missing=()

	shift 2
	for package; do
		name=${package%@*}
		grep -qs "\"version\": \"${package##*@}\"" "$TEST_NPM/node_modules/$name/package.json" ||
			missing+=("$package")
	done
	[ "${#missing[@]}" = 0 ] && return 0
	command -v npm >/dev/null && mkdir -p "$TEST_NPM" &&
		npm_config_nodedir=/usr timeout "$seconds" npm install --prefix "$TEST_NPM" --no-audit --no-fund \
			"$scripts" "${missing[@]}" \
			>"$TEST_NPM/npm.log" 2>&1 && return 0
	echo "Without ${missing[*]}: npm is not there or cannot install them."
}

try_npm() {
	_npm 120 --ignore-scripts "$@"
}

# In a folder of its own, where the next npm does not take it for superfluous.
export TEST_NPM_BUILT=$TEST_NPM-built

try_npm_built() {
	(TEST_NPM=$TEST_NPM_BUILT && _npm 400 --no-ignore-scripts "$@")
}

# The same for what a test can do without: if it cannot be had, that test is skipped.
try_packages() {
	(need_packages "$@") || true
}

# Of Debian 12 it is the C sources, from Debian 13 on a library.
_llhttp_package() {
	if apt-cache show libllhttp-dev >/dev/null 2>&1; then
		echo libllhttp-dev
	else
		echo node-llhttp
	fi
}

# What the library itself is built with and from.
BUILD_PACKAGES="gcc libc6-dev meson ninja-build pkg-config libuv1-dev libffi-dev libseccomp-dev \
	libarchive-dev libjansson-dev libssl-dev libsqlite3-dev $(_llhttp_package)"
