#!/bin/sh
# The web UI: fetches what package-lock.json names, once, then builds or checks the sources of gateway/web.
#
#   setup/web.sh build | check
#
# Node is the machine's, if new enough, else PyPI's. `check` makes the types of the API's answers from the application
# itself, then runs the compiler and the linter.
set -eu

HOME_DIR=$(cd "$(dirname "$0")/.." && pwd)
COMPONENTS=${WEFT_COMPONENTS:-$HOME_DIR/.components}
WEB=$HOME_DIR/gateway/web
say() { printf 'web: %s\n' "$*" >&2; }
. "$HOME_DIR/setup/node.sh"

modules() {
  stamp=$WEB/node_modules/.weft
  if [ "$(cat "$stamp" 2>/dev/null)" = "$(cksum <"$WEB/package-lock.json")" ]; then return 0; fi
  say "fetching the packages of package-lock.json"
  # not `npm ci`: it wants the packages of other platforms too, which not every registry has
  (cd "$WEB" && npm install --no-save --ignore-scripts --no-audit --no-fund --loglevel=error) >&2
  cksum <"$WEB/package-lock.json" >"$stamp"
}

need_node web 20.19
mkdir -p "$WEB/node_modules"
if command -v flock >/dev/null 2>&1; then # two runs at once: the second waits
  exec 9>"$HOME_DIR/gateway/web/.lock"
  flock 9
fi
modules
cd "$WEB"
case ${1:-build} in
  build)
    say "building"
    node node_modules/vite/bin/vite.js build --logLevel warn >&2
    ;;
  check)
    "$HOME_DIR/.venv/bin/python" -m gateway.api.description >src/api/openapi.json
    node node_modules/openapi-typescript/bin/cli.js src/api/openapi.json -o src/api/schema.d.ts >/dev/null
    node node_modules/typescript/bin/tsc --noEmit
    node node_modules/@biomejs/biome/bin/biome check --colors=off --error-on-warnings .
    ;;
  *) say "build or check"; exit 2 ;;
esac
