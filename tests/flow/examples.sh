#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Each example, built against the installed headers and library alone, does what
# the README says of it. Prints TAP.
#
# usage: examples.sh <root of the project>
set -u
cd "$1" || exit 1
made=build-examples
stage=$made/stage
stage_path=$PWD/$stage
plugins=$stage/lib/libfaas/plugins
work=$(mktemp -d)
chmod 755 "$work" # an environment of root's is a user of its own, and must get at its code
trap 'rm -rf "$work"' EXIT
number=0
said=$work/said # output of the example that ran last

check() { # name, command that must succeed
	local name=$1

	shift
	number=$((number + 1))
	if "$@" >"$work/output" 2>&1; then
		echo "ok $number - $name"
	else
		echo "not ok $number - $name"
		cat "$work/output" "$said" 2>&1 | sed 's/^/# /'
	fi
}

run() { # example, arguments
	timeout 120 "$made/examples/$1" "${@:2}" >"$said" 2>&1
}

says() { # regular expressions, each for one whole line
	local line

	for line; do
		grep -qxE -- "$line" "$said" || { echo "no line is /$line/"; return 1; }
	done
}

from_pkg_config() {
	PKG_CONFIG_PATH="$stage/lib/pkgconfig" pkg-config "$@" faas
}

hello() {
	run hello "$plugins/hello.so" && says 'Hello, World!'
}

# The commands of the README.
# shellcheck disable=SC2046
hello_by_hand() {
	cc -shared -fPIC $(from_pkg_config --cflags) plugins/hello/hello.c -o "$work/hello.so" &&
		cc examples/hello.c $(from_pkg_config --cflags --libs) -o "$work/hello" &&
		LD_LIBRARY_PATH=$stage/lib "$work/hello" "$work/hello.so" >"$said" &&
		says 'Hello, World!'
}

# shellcheck disable=SC2046
hello_static() {
	cc examples/hello.c $(from_pkg_config --cflags) "$stage/lib/libfaas.a" \
		$(from_pkg_config --static --libs | sed 's/-lfaas//') -o "$work/static" &&
		"$work/static" "$plugins/hello.so" >"$said" && says 'Hello, World!'
}

no_such_plugin() {
	! run hello "$work/nowhere.so" && says '.*nowhere\.so.*'
}

any_c_function() {
	run any-c-function && says \
		'power +\[2, 10\] +-> 1024' \
		'power +\{"y": 0.5, "x": 2\} +-> 1\.414213562373095.?' \
		'power +\["two", 10\] +-> .*Runtime\.BadArgument.*' \
		'checksum +\[0, "123456789"\] +-> 3421780262' \
		'zlib +\[\] +-> "1\.[0-9.]+"' \
		'sqlite +\[\] +-> "3\.[0-9.]+"' \
		'complete +\["SELECT 1;"\] +-> 1' \
		'complete +\["SELECT 1"\] +-> 0'
}

own_uv_loop() {
	run own-uv-loop "$plugins/hello.so" && says 'answer: Hello, Ada!' \
		'answer: Hello, Frances!' 'Function\.Nobody: .*' 'the loop is empty'
}

# One request by bash alone, then an end as Ctrl-C makes it.
lambda_server() {
	local pid port answer

	"$made/examples/lambda-server/lambda-server" --port 0 --state "$work/state" >"$said" 2>&1 &
	pid=$!
	for _ in {1..200}; do
		port=$(sed -n 's,^Lambda is at http://127.0.0.1:,,p' "$said")
		[ -n "$port" ] && break
		sleep 0.1
	done
	exec 3<>"/dev/tcp/127.0.0.1/$port" &&
		printf 'GET /2015-03-31/functions HTTP/1.0\r\n\r\n' >&3 &&
		answer=$(timeout 20 cat <&3)
	exec 3>&-
	kill "$pid" && wait "$pid" && [[ $answer == *'{"Functions":[]}' ]]
}

block() { # language: the first block of it below the heading of lambda-server
	sed -n '/^### lambda-server/,/^## /p' README.md | sed -n "/^\`\`\`$1\$/,/^\`\`\`\$/p" | sed '1d;/^```$/,$d'
}

# The commands of the README, each as it stands there, but for the port: that one may be taken.
newcomer() {
	local folder=$work/newcomer port pid rc

	port=$(python3 -c 'import socket; print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])')
	mkdir "$folder" && block python >"$folder/lambda_function.py" &&
		block sh | sed "s/9001/$port/g; s/^\(lambda-server.*\) &\$/exec_server \1/" >"$folder/commands" &&
		[ "$(wc -l <"$folder/commands")" = 5 ] || return 1
	(
		cd "$folder" || exit 1
		export PATH="$stage_path/bin:$PATH"
		exec_server() {
			"$@" >server.log 2>&1 &
			echo $! >pid
			for _ in {1..200}; do
				grep -q '^Lambda is at' server.log && break
				sleep 0.05
			done
		}
		. ./commands
	) >"$said" 2>&1
	rc=$?
	pid=$(cat "$folder/pid")
	kill "$pid"
	for _ in {1..200}; do
		kill -0 "$pid" 2>/dev/null || break
		sleep 0.05
	done
	[ $rc = 0 ] && says '.*\{"message": "Success"\}'
}

thumbnails() {
	mkdir "$work/drawn" "$work/out"
	"$made/examples/draw" "$work/drawn" 2 &&
		run thumbnail "$work/out" "$work"/drawn/{landscape-1,damaged,huge}.jpg \
			"$work"/drawn/bomb.png "$work"/drawn/{landscape-2,nowhere}.jpg
}

# The frame header of a JPEG: 300 high, 400 wide.
is_thumbnail() {
	od -An -v -tx1 "$1" | tr -d ' \n' | grep -q 'ffc0001108012c0190'
}

good_pictures() {
	is_thumbnail "$work/out/01-landscape-1.jpg" && is_thumbnail "$work/out/05-landscape-2.jpg"
}

reports() {
	[ "$(grep -c 'REPORT RequestId: .*Duration: .*Max Memory Used: ' "$said")" = 4 ]
}

inbox() {
	mkdir "$work/photos" &&
		run inbox "$work/photos" "$work"/drawn/{landscape-1,damaged,huge}.jpg \
			"$work"/drawn/bomb.png "$work"/drawn/landscape-2.jpg &&
		is_thumbnail "$work/photos/outbox/01-landscape-1.jpg" &&
		is_thumbnail "$work/photos/outbox/05-landscape-2.jpg" &&
		says '2 thumbnails, 3 broken; in queue:broken:' ' +02-damaged.jpg +gd-jpeg.*' \
			' +03-huge.jpg +Request must be smaller.*' ' +04-bomb.png +[^b].*'
}

# One that came while the program was not there is the only one that it is told of.
inbox_again() {
	local pid

	cp "$work/drawn/landscape-1.jpg" "$work/photos/inbox/meanwhile.jpg"
	"$made/examples/inbox" "$work/photos" >"$said" 2>&1 &
	pid=$!
	for _ in {1..200}; do
		grep -q 'meanwhile.*sandbox' "$said" && break
		sleep 0.1
	done
	kill "$pid" && wait "$pid" && is_thumbnail "$work/photos/outbox/meanwhile.jpg" &&
		says '1 thumbnails, 0 broken; in queue:broken:' ' +02-damaged.jpg +gd-jpeg.*'
}

thousand() {
	local small=$work/out/01-landscape-1.jpg pictures=()

	for _ in {1..1000}; do pictures+=("$small"); done
	mkdir "$work/many" && run inbox "$work/many" "${pictures[@]}" &&
		says '1000 thumbnails, 0 broken; in queue:broken:' &&
		[ "$(find "$work/many/outbox" -type f | wc -l)" = 1000 ]
}

readme_shows() { # file
	[[ $(<README.md) == *"$(<"$1")"* ]]
}

readme_is_true() {
	readme_shows plugins/hello/hello.c && readme_shows examples/hello.c
}

echo 1..19
check the_examples_build_against_what_was_installed examples/run --build
check hello_greets_whom_the_event_names hello
check hello_builds_with_the_commands_of_the_readme hello_by_hand
check the_readme_shows_hello_as_it_is readme_is_true
check hello_links_with_the_static_library hello_static
check a_plugin_that_is_not_there_is_named_in_the_error no_such_plugin
check c_functions_are_called_by_the_prototypes_of_their_manual_pages any_c_function
check the_loop_of_a_program_closes_empty own_uv_loop
check the_lambda_server_answers_and_ends_in_order lambda_server
check the_readme_takes_a_newcomer_to_an_answer_in_five_commands newcomer
check the_thumbnail_example_survives_all_pictures thumbnails
check pictures_before_and_after_the_bad_ones_become_thumbnails good_pictures
check a_damaged_picture_is_an_error_of_the_function says '.*Function\.Unreadable.*gd-jpeg.*'
check a_picture_that_unfolds_to_a_gigabyte_finds_no_memory says \
	'.*(Function\.Unreadable.*gd-png|Runtime\.OutOfMemory).*'
check a_picture_over_the_limit_is_refused says '.*refused: Request.*TooLarge.*'
check each_picture_that_reached_the_function_has_its_report reports
check pictures_that_are_dropped_become_thumbnails_or_letters_with_the_reason inbox
check a_picture_that_was_told_of_is_not_told_of_again inbox_again
check a_thousand_pictures_at_once_become_a_thousand_thumbnails thousand
