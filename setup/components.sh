#!/bin/sh
# Unpacks the real programs that tests and the demo run, without installing them.
#
#   setup/components.sh [SET...]     SET: prometheus mosquitto postgres zabbix odbc soap singer airflow browser (default: all)
#
# The distribution's own packages are fetched by apt into a cache of ours and unpacked by dpkg-deb into
# .components/root (WEFT_COMPONENTS names another place for .components). No package script runs, no daemon starts,
# apt's own lists, locks and cache stay as they are, and root is not needed. A set whose programs the machine already
# has, or that is unpacked already, takes no time. Run the programs with
#   LD_LIBRARY_PATH=.components/root/usr/lib/<triplet>
# The set soap is npm's `soap` (tests/real/soap_server) in .components/soap; a machine without node gets one from PyPI.
# The set singer is a Singer tap (tests/real/tap_postgres.lock) in an environment of its own, .components/singer.
# The set airflow is Airflow (setup/airflow.lock) in an environment of its own, .components/airflow.
#
# Exit codes: 0 all there; 2 used wrongly; 3 something is missing (said which).
set -eu

ALL="prometheus mosquitto postgres zabbix odbc soap singer airflow browser"
HOME_DIR=$(cd "$(dirname "$0")/.." && pwd)
COMPONENTS=${WEFT_COMPONENTS:-$HOME_DIR/.components}
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export LC_ALL=C DEBIAN_FRONTEND=noninteractive

say() { printf 'components: %s\n' "$*" >&2; }
. "$HOME_DIR/setup/node.sh"
has() { command -v "$1" >/dev/null 2>&1; }
has_file() { for f in "$@"; do [ -e "$f" ] || return 1; done; }

packages_of() {
  case $1 in
    prometheus) echo prometheus prometheus-alertmanager prometheus-node-exporter ;;
    mosquitto) echo mosquitto mosquitto-clients ;;
    postgres) echo postgresql ;;
    # php-fpm only because it satisfies the front end's wish for a web server's PHP, which else is Apache
    zabbix) echo zabbix-server-pgsql zabbix-frontend-php zabbix-agent php-fpm php-cli php-pgsql php-mbstring \
      php-xml php-gd php-bcmath php-ldap ;;
    odbc) echo libodbc2 odbc-postgresql tdsodbc libsqliteodbc ;;
    soap) echo nodejs npm ;;
    singer) echo pipelinewise-tap-postgres ;;
    airflow) echo apache-airflow ;;
    browser) echo chromium fonts-wqy-microhei ;;
  esac
}

# True when the machine itself has the programs of a set.
on_machine() {
  case $1 in
    prometheus)
      has prometheus && { has prometheus-alertmanager || has alertmanager; } &&
        { has prometheus-node-exporter || has node_exporter; }
      ;;
    mosquitto) has mosquitto && has mosquitto_passwd ;;
    browser) has chromium ;;
    postgres) has_file /usr/lib/postgresql/*/bin/initdb /usr/lib/postgresql/*/bin/postgres || { has initdb && has postgres; } ;;
    zabbix)
      has zabbix_server && has zabbix_agentd && has_file /usr/share/zabbix/api_jsonrpc.php &&
        has php && php -m | grep -q '^pgsql$'
      ;;
    odbc)
      has_file /usr/lib/*/libodbc.so.2 /usr/lib/*/odbc/psqlodbcw.so /usr/lib/*/odbc/libtdsodbc.so \
        /usr/lib/*/odbc/libsqlite3odbc.so
      ;;
  esac
}

# What a set is unpacked from, and how: the number counts changes of `settle_*`. Another stamp unpacks again.
stamp_of() {
  case $1 in
    prometheus) echo 2 ;;
    *) echo 1 ;;
  esac
  case $1 in
    soap) cksum <"$HOME_DIR/tests/real/soap_server/package-lock.json" ;;
    singer) cksum <"$HOME_DIR/tests/real/tap_postgres.lock" ;;
    airflow) cksum <"$HOME_DIR/setup/airflow.lock" ;;
    *) packages_of "$1" ;;
  esac
}

unpacked() { [ "$(cat "$COMPONENTS/stamps/$1" 2>/dev/null)" = "$(stamp_of "$1")" ]; }

# apt with everything it writes in our own folder: it needs neither root nor apt's locks.
own_apt() {
  apt-get -qq -y -o "Dir::Cache=$COMPONENTS/apt/" -o Dir::Cache::archives=archives/ -o Debug::NoLocking=true \
    -o APT::Sandbox::User="$(id -un)" -o APT::Install-Recommends=false -o Acquire::Retries=3 \
    ${OWN_LISTS:+-o "Dir::State::lists=$COMPONENTS/apt/lists/"} "$@"
}

# Fetches a set's packages into apt/archives: only the named ones for Prometheus (static programs), else with all they
# need and this machine lacks.
fetch() {
  rm -rf "$COMPONENTS/apt/archives"
  mkdir -p "$COMPONENTS/apt/archives/partial" "$COMPONENTS/apt/lists/partial"
  # shellcheck disable=SC2046 # the list is words
  case $1 in
    prometheus) (cd "$COMPONENTS/apt/archives" && own_apt download $(packages_of "$1")) ;;
    *) own_apt --download-only --no-remove install $(packages_of "$1") ;;
  esac >"$COMPONENTS/apt/log" 2>&1 || return 1
  for deb in "$COMPONENTS"/apt/archives/*.deb; do [ -e "$deb" ] && return 0; done
  return 1
}

unpack() {
  root=$COMPONENTS/root
  mkdir -p "$root/usr" "$COMPONENTS/stamps"
  for d in bin sbin lib; do # one tree, as on a machine with a merged /usr
    mkdir -p "$root/usr/$d"
    [ -e "$root/$d" ] || ln -s "usr/$d" "$root/$d"
  done
  for deb in "$COMPONENTS"/apt/archives/*.deb; do
    dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$root" --keep-directory-symlink --no-same-owner -f -
  done
  "settle_$1" "$root"
  rm -rf "$COMPONENTS/apt/archives"
  stamp_of "$1" >"$COMPONENTS/stamps/$1"
}

# What package scripts would have done, where a program does not run without.
settle_mosquitto() { :; }
settle_postgres() { :; }
settle_browser() { # the fonts of what was unpacked beside those of the machine
  mkdir -p "$1/etc/fonts"
  printf '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd"><fontconfig><dir>%s/usr/share/fonts</dir><dir>/usr/share/fonts</dir><cachedir prefix="xdg">fontconfig</cachedir></fontconfig>\n' \
    "$1" >"$1/etc/fonts/weft.conf"
}
settle_odbc() { :; } # drivers are named by their files, so nothing has to be registered
settle_zabbix() {
  for php in "$1"/usr/bin/php[0-9].[0-9]; do ln -sf "${php##*/}" "$1/usr/bin/php"; done # else by update-alternatives
}
settle_prometheus() { # Debian's builds find templates and web pages by fixed paths: make these relative, of the same
  # length, so that both programs are started with root/usr/share/prometheus as their working folder
  sed -i 's#/usr/share/prometheus/alertmanager#./////////////////////alertmanager#g' "$1/usr/bin/prometheus-alertmanager"
  sed -i 's#/usr/share/prometheus/web/#./////////////////////web/#g' "$1/usr/bin/prometheus"
}

# npm's soap, exactly as locked, beside the server and client that use it.
install_soap() {
  if unpacked soap && has_file "$COMPONENTS/soap/node_modules/soap/package.json"; then return 0; fi
  need_node soap 18.0 || return 1
  say "soap: fetching npm's soap"
  mkdir -p "$COMPONENTS/soap" "$COMPONENTS/stamps"
  cp "$HOME_DIR/tests/real/soap_server/package.json" "$HOME_DIR/tests/real/soap_server/package-lock.json" "$COMPONENTS/soap"
  if ! npm ci --prefix "$COMPONENTS/soap" --ignore-scripts --no-audit --no-fund --loglevel=error >&2; then
    say "soap: missing; npm cannot fetch what tests/real/soap_server/package-lock.json names"
    return 1
  fi
  stamp_of soap >"$COMPONENTS/stamps/soap"
  say "soap: installed into $COMPONENTS/soap"
}

# Python programs as their users have them: each in an environment of its own, from its lock.
install_python() { # SET PROGRAM LOCK
  if unpacked "$1" && has_file "$COMPONENTS/$1/bin/$2"; then return 0; fi
  uv=$HOME_DIR/.venv/bin/uv
  [ -x "$uv" ] || { say "$1: missing; run 'make install' first"; return 1; }
  say "$1: fetching $2"
  mkdir -p "$COMPONENTS/stamps"
  if ! { "$uv" venv -q --clear --python "$HOME_DIR/.venv/bin/python" "$COMPONENTS/$1" &&
    "$uv" pip install -q --compile-bytecode --python "$COMPONENTS/$1/bin/python" --require-hashes -r "$HOME_DIR/$3"; } >&2; then
    say "$1: missing; what $3 names cannot be fetched"
    return 1
  fi
  stamp_of "$1" >"$COMPONENTS/stamps/$1"
  say "$1: installed into $COMPONENTS/$1"
}

install_set() {
  case $1 in
    soap) install_soap; return ;;
    singer) install_python singer tap-postgres tests/real/tap_postgres.lock; return ;; # it needs old libraries
    airflow) install_python airflow airflow setup/airflow.lock; return ;;              # docs/airflow.md says why
  esac
  if on_machine "$1"; then return 0; fi
  if unpacked "$1"; then return 0; fi
  if ! has apt-get || ! has dpkg-deb; then
    say "$1: missing, and there is no apt to fetch it with. Install by hand: $(packages_of "$1")"
    return 1
  fi
  say "$1: fetching $(packages_of "$1")"
  OWN_LISTS=
  if ! fetch "$1"; then # no package lists, or old ones
    OWN_LISTS=yes
    own_apt update >"$COMPONENTS/apt/log" 2>&1 || true
    if ! fetch "$1"; then
      say "$1: missing; apt cannot fetch: $(packages_of "$1")"
      sed 's/^/components:   /' "$COMPONENTS/apt/log" >&2
      return 1
    fi
  fi
  unpack "$1"
  say "$1: unpacked into $COMPONENTS/root"
}

for set in "$@"; do
  case $set in
    -h | --help) sed -n '2,/^set -eu/{s/^# \{0,1\}//;/^set -eu/d;p;}' "$0"; exit 0 ;;
  esac
  [ -n "$(packages_of "$set")" ] || { say "unknown set '$set'; sets: $ALL"; exit 2; }
done
[ $# -gt 0 ] || set -- $ALL # the list is words

mkdir -p "$COMPONENTS"
if has flock; then # two runs at once: the second finds everything done
  exec 9>"$COMPONENTS/lock"
  flock 9
fi
missing=
for set in "$@"; do install_set "$set" || missing="$missing $set"; done
[ -z "$missing" ] || { say "missing:$missing"; exit 3; }
