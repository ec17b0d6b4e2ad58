# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# Sourced by bench/run: brings the other systems to life, drives them, ends them.
#
# A peer that cannot be installed or started is written into the results with
# the reason, and the table says so.

declare -A missing

miss() {
	[ -n "${missing[$1]:-}" ] && return
	missing[$1]=$2
	say "peer $1 is missing: $2"
	[ -e "$results" ] && printf 'n\tpeer.%s.missing\t%s\n' "$1" "$2" >>"$results"
}

# peer_packages PEER PACKAGE...
peer_packages() {
	local peer=$1

	shift
	(need_packages "$@") >&2 || miss "$peer" "apt-get install $* failed"
}

install_peers() {
	peer_packages fcgi libfcgi-dev spawn-fcgi
	peer_packages uwsgi uwsgi-core
	peer_packages nginx nginx-light
	peer_packages wrk wrk curl
}

install_npm_peers() {
	mkdir -p "$peer_dir"
	cp bench/peers/package.json bench/peers/*.mjs "$peer_dir"
	if ! command -v npm >/dev/null || ! command -v node >/dev/null; then
		miss piscina 'there is no node and npm'
		miss workerd 'there is no node and npm'
		return
	fi
	[ -d "$peer_dir/node_modules" ] ||
		(cd "$peer_dir" && npm install --no-audit --no-fund >npm.log 2>&1)
	[ -d "$peer_dir/node_modules/piscina" ] || miss piscina 'npm install piscina failed'
	workerd=$(compgen -G "$peer_dir/node_modules/@cloudflare/workerd-*/bin/workerd" | head -n 1)
	[ -n "$workerd" ] || miss workerd 'npm install workerd failed'
}

prepare_peers() {
	peer_dir=$build/peers
	sockets=$(mktemp -d /tmp/bench-peers-XXXXXX)
	trap 'end_peers; rm -rf "$sockets"' EXIT
	read -r nginx_port workerd_port ours_port < <(free_ports 3)
	install_npm_peers
	[ -x "$build/bench/fcgi-echo" ] || miss fcgi 'libfcgi was not there when meson ran'
	[ -n "${missing[fcgi]:-}" ] && miss nginx "it needs FastCGI behind it: ${missing[fcgi]}"
	write_nginx_config
	write_workerd_config
}

free_ports() { # how many
	python3 -c 'import socket, sys
all = [socket.create_server(("127.0.0.1", 0)) for _ in range(int(sys.argv[1]))]
print(*(s.getsockname()[1] for s in all))' "$1"
}

# Connections are kept on both sides. The FastCGI processes behind nginx are
# more than nginx opens connections, since a kept one occupies a process.
write_nginx_config() {
	cat >"$sockets/nginx.conf" <<-END
		daemon off;
		worker_processes 2;
		pid $sockets/nginx.pid;
		error_log $sockets/nginx.log;
		$([ "$(id -u)" = 0 ] && echo 'user root;')
		events { worker_connections 256; }
		http {
			access_log off;
			keepalive_requests 1000000000;
			client_body_temp_path $sockets/body;
			fastcgi_temp_path $sockets/fastcgi;
			proxy_temp_path $sockets/proxy;
			uwsgi_temp_path $sockets/uwsgi;
			scgi_temp_path $sockets/scgi;
			upstream app { server unix:$sockets/behind.sock; keepalive 8; }
			server {
				listen unix:$sockets/nginx.sock;
				listen 127.0.0.1:$nginx_port;
				location / {
					fastcgi_pass app;
					fastcgi_keep_conn on;
					fastcgi_param REQUEST_METHOD \$request_method;
					fastcgi_param CONTENT_LENGTH \$content_length;
					fastcgi_param SCRIPT_NAME /;
					fastcgi_param SERVER_PROTOCOL \$server_protocol;
				}
			}
		}
	END
}

write_workerd_config() {
	cat >"$peer_dir/echo.capnp" <<-END
		using Workerd = import "/workerd/workerd.capnp";
		const config :Workerd.Config = (
			services = [(name = "main", worker = (
				modules = [(name = "echo", esModule = embed "workerd_echo.mjs")],
				compatibilityDate = "2026-01-01"))],
			sockets = [(name = "http", address = "unix:$sockets/workerd.sock",
				http = (), service = "main"),
				(name = "tcp", address = "127.0.0.1:$workerd_port",
				http = (), service = "main")]
		);
	END
}

alive=()

# start PEER SOCKET COMMAND...: pinned as the caller says, gone with end_peers.
start() {
	local peer=$1 socket=$2 i

	shift 2
	[ -n "${missing[$peer]:-}" ] && return
	rm -f "$socket"
	${pinned:-} "$@" >>"$sockets/$peer.log" 2>&1 </dev/null &
	alive+=($!)
	for ((i = 0; i < 100; i++)); do
		[ -S "$socket" ] && return
		sleep 0.05
	done
	miss "$peer" "it did not start: $(tail -n 1 "$sockets/$peer.log" | tr '\t' ' ')"
}

# start_fcgi PEER SOCKET PROCESSES: spawn-fcgi leaves them behind and goes.
start_fcgi() {
	[ -n "${missing[$1]:-}" ] && return
	rm -f "$2"
	if ${pinned:-} spawn-fcgi -s "$2" -F "$3" -P "$2.pids" -- "$build/bench/fcgi-echo" \
		>>"$sockets/$1.log" 2>&1; then
		mapfile -t -O ${#alive[@]} alive < <(tr -s ' \n' '\n' <"$2.pids" | grep .)
	else
		miss "$1" "spawn-fcgi failed: $(tail -n 1 "$sockets/$1.log")"
	fi
}

start_peers() {
	start_fcgi fcgi "$sockets/fcgi.sock" 2
	start_fcgi nginx "$sockets/behind.sock" 16
	start nginx "$sockets/nginx.sock" nginx -c "$sockets/nginx.conf"
	start uwsgi "$sockets/uwsgi.sock" uwsgi --plugin symcall \
		--dlopen "$build/bench/uwsgi_echo.so" --symcall bench_echo \
		--http11-socket "$sockets/uwsgi.sock" --processes 2 --master --disable-logging \
		--die-on-term
	start workerd "$sockets/workerd.sock" "${workerd:-workerd}" serve "$peer_dir/echo.capnp"
	sleep 0.5
}

end_peers() {
	local pid

	for pid in "${alive[@]}"; do
		pkill -TERM -P "$pid" 2>/dev/null
		kill -TERM "$pid" 2>/dev/null
	done
	[ ${#alive[@]} -gt 0 ] && wait "${alive[@]}" 2>/dev/null
	alive=()
}

# drive PEER KEY PROTOCOL SOCKET CONNECTIONS
drive() {
	[ -n "${missing[$1]:-}" ] && return
	say "peer $2"
	${pinned:-} timeout 60 "$build/bench/peer-client" "$2" "$3" "$sockets/$4.sock" "$5" \
		"$seconds" >>"$results" || failed+=" $2"
}

# piscina KEY OUTSTANDING THREADS
drive_piscina() {
	[ -n "${missing[piscina]:-}" ] && return
	say "peer $1"
	${pinned:-} timeout 60 node "$peer_dir/piscina.mjs" "$1" "$2" "$seconds" "$3" \
		>>"$results" || failed+=" $1"
}

drive_latencies() {
	drive fcgi "peer.fcgi.$1" fcgi fcgi 1
	drive uwsgi "peer.uwsgi.$1" http uwsgi 1
	drive nginx "peer.nginx.$1" http nginx 1
	drive workerd "peer.workerd.$1" http workerd 1
	drive_piscina "peer.piscina.$1" 1 1
}

peers_one_cpu() {
	local pinned

	pinned="taskset -c $(first_cpu)"

	start_peers
	drive_latencies one_cpu
	end_peers
}

# As many connections as each takes well: a kept one occupies a worker of
# FastCGI and uWSGI, of which there is one per CPU.
peers_two_cpus() {
	local pinned=''

	start_peers
	drive_latencies two_cpus
	drive fcgi peer.fcgi.two_cpus.busy fcgi fcgi 2
	sleep 0.5
	drive uwsgi peer.uwsgi.two_cpus.busy http uwsgi 2
	drive nginx peer.nginx.two_cpus.busy http nginx 8
	drive workerd peer.workerd.two_cpus.busy http workerd 8
	drive_piscina peer.piscina.two_cpus.busy 64 2
	http_doors
	end_peers
}

# lambda-server as it is installed, its log lines into a file that is thrown away.
start_ours() {
	start ours "$sockets/lambda-server.sock" \
		bench/peers/lambda-server.sh "$build" "$ours_port" "$sockets/lambda-server.sock"
}

# door NAME PORT PATH CONNECTIONS: what comes back is looked at once, then only counted.
door() {
	local url=http://127.0.0.1:$2$3 body='"looked at"'

	[ -n "${missing[$1]:-}" ] && return
	say "http $1, $4 connections"
	[ "$(curl -s -d "$body" "$url")" = "$body" ] || { failed+=" http.$1"; return; }
	KEY=http.$1.$4 timeout 60 wrk -t 1 -c "$4" -d "${wrk_seconds}s" -s bench/peers/wrk.lua "$url" \
		2>>"$sockets/wrk.log" | grep '^v' >>"$results" || failed+=" http.$1.$4"
}

# All in one turn, one after the other, by the same client over TCP.
http_doors() {
	local connections wrk_seconds=$(((${seconds%.*} + 1) * 2))

	[ -n "${missing[wrk]:-}" ] && return
	start_ours
	for connections in 1 32; do
		door ours "$ours_port" /2015-03-31/functions/echo/invocations "$connections"
		door workerd "$workerd_port" / "$connections"
		door nginx "$nginx_port" / "$connections"
	done
}

peers_of_http() {
	local pinned=''

	start_peers
	http_doors
	end_peers
}

first_cpu() {
	taskset -cp $$ | sed 's/.*: //; s/[,-].*//'
}
