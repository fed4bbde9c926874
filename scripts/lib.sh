# Shared by the scripts beside it, which set `root` and source this file: keeps .venv as pyproject.toml wants it.
# POSIX sh. Needs Python 3.11 or newer, and a package index the first time.

find_python() {
    for candidate in python3.13 python3.12 python3.11 python3 python; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    echo "Python 3.11 or newer is needed, and there is none in PATH: install python3.11 or newer" >&2
    return 2
}

owner_is_gone() {
    owner=$(cat "$root/.venv.lock/owner" 2>/dev/null || true)
    [ -n "$owner" ] && ! kill -0 "$owner" 2>/dev/null
}

# One set-up at a time: mkdir makes the directory or fails, on every system. The lock of a killed script is
# removed, under a lock of its own: otherwise two could do that, the second removing the first one's new lock.
lock() {
    until mkdir "$root/.venv.lock" 2>/dev/null; do
        if owner_is_gone && mkdir "$root/.venv.lock.stale" 2>/dev/null; then
            if owner_is_gone; then rm -r "$root/.venv.lock"; fi
            rmdir "$root/.venv.lock.stale"
        elif [ -d "$root/.venv.lock" ]; then
            [ -n "${waiting:-}" ] || echo "waiting for the script that sets up .venv (process ${owner:-?})" >&2
            waiting=yes
            sleep 1
        else
            echo "cannot make the directory $root/.venv.lock: make $root writable" >&2
            return 1
        fi
    done
    trap 'rm -rf "$root/.venv.lock"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    echo $$ > "$root/.venv.lock/owner"
}

unlock() {
    rm -rf "$root/.venv.lock"
    trap - EXIT INT TERM
}

# What .venv was made for. The place is part of it: a moved checkout needs a new one.
stamp() {
    echo "$(cksum < "$root/pyproject.toml") $root"
}

is_current() {
    [ -x "$root/.venv/bin/python" ] && [ "$(cat "$root/.venv/$1.stamp" 2>/dev/null)" = "$(stamp)" ]
}

# A working environment that was made in this very place (pyvenv.cfg names it) can be brought up to date.
is_sound() {
    grep -qs -- "-m venv .*$root/.venv\$" "$root/.venv/pyvenv.cfg" &&
        "$root/.venv/bin/python" -m pip --version > /dev/null 2>&1
}

install() {
    if [ "$1" = dev ]; then what="$root[dev]"; else what=$root; fi
    echo "setting up $root/.venv with $("$python" --version); this may take a few minutes" >&2
    if ! is_sound; then "$python" -m venv --clear "$root/.venv"; fi
    "$root/.venv/bin/python" -m pip install --quiet --quiet --disable-pip-version-check --editable "$what"
    stamp > "$root/.venv/$1.stamp"
}

# setup plain: what the program needs. setup dev: what its tests and checks need as well.
setup() {
    if is_current dev || is_current "$1"; then return; fi
    python=$(find_python)
    lock
    if ! is_current dev && ! is_current "$1"; then install "$1"; fi
    unlock
}

packages() { "$1" -c 'import sysconfig; print(sysconfig.get_path("purelib"))'; }

# extra DIRECTORY GROUP: an environment that sees what .venv holds, and has the packages of a further group of
# pyproject.toml: tools that somebody runs once in a while.
extra() {
    "$root/.venv/bin/python" -m venv "$1"
    packages "$root/.venv/bin/python" > "$(packages "$1/bin/python")/dev.pth"
    "$1/bin/python" - "$root/pyproject.toml" "$2" > "$1/requirements.txt" <<'END'
import sys, tomllib
with open(sys.argv[1], "rb") as file:
    print(*tomllib.load(file)["project"]["optional-dependencies"][sys.argv[2]], sep="\n")
END
    "$1/bin/python" -m pip install --quiet --quiet --disable-pip-version-check -r "$1/requirements.txt"
}
