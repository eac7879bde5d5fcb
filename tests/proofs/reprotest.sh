#!/usr/bin/env bash
# The report under Debian's reprotest, with all 14 of its variations at once: clock, time zone, locales, user, host name,
# home, path of the sources, path of programs, umask, order of files, processors, address layout, kernel, environment.
# usage: tests/proofs/reprotest.sh [-p NAME=VALUE …]        as root; about two minutes
# Another user runs one of the two reports, so PYTHON has to be an interpreter that everybody may execute, with iris_lab's
# requirements. If the project's environment is none, one is made in a temporary folder from /usr/bin/python3; if that
# fails too, one user runs both and the script says so. Exit code 2: reprotest cannot run here.
set -euo pipefail
cd "$(dirname "$0")/../.."

for tool in reprotest setpriv; do
  command -v "$tool" >/dev/null || { echo "reprotest.sh: $tool is not installed: apt-get install reprotest" >&2; exit 2; }
done
[ "$(id -u)" = 0 ] || { echo "reprotest.sh: some variations need root" >&2; exit 2; }

scratch=$(mktemp -d /var/tmp/iris-lab-reprotest.XXXXXX)
trap 'rm -rf "$scratch"' EXIT
chmod 755 "$scratch"
builder=nobody:nogroup

may_execute() { setpriv --reuid=nobody --regid=nogroup --clear-groups env -C / sh -c '"$0" -c "import sklearn"' "$1" 2>/dev/null; }

python=${PYTHON:-$PWD/.venv/bin/python}
vary=+all,domain_host.use_sudo=1
if ! may_execute "$python"; then
  echo "reprotest.sh: not everybody may execute $python; making an environment" >&2
  (umask 022 && make --silent PYTHON=/usr/bin/python3 VENV="$scratch/venv" "$scratch/venv/.ready") >&2 &&
    may_execute "$scratch/venv/bin/python" && python=$scratch/venv/bin/python
fi
if may_execute "$python"; then
  vary+=,user_group.available+=$builder
else
  echo "reprotest.sh: no interpreter for everybody: the user is not varied" >&2
fi

# reprotest changes users with `sudo -h localhost`, which sudo refuses since 1.9.17 and Debian 12's fixed 1.9.13.
mkdir "$scratch/bin"
cat >"$scratch/bin/sudo" <<'END'
#!/bin/sh
user=root group=root
while :; do
  case $1 in
    -h) shift 2 ;;
    -E) shift ;;
    -u) user=$2; shift 2 ;;
    -g) group=$2; shift 2 ;;
    *) break ;;
  esac
done
[ "$user" = root ] && exec "$@"
exec setpriv --reuid="$user" --regid="$group" --clear-groups "$@"
END
chmod 755 "$scratch/bin/sudo"
export PATH="$scratch/bin:$PATH"

mkdir "$scratch/source"
git ls-files -z iris_lab notebooks requirements.lock pyproject.toml | xargs -0 cp --parents -t "$scratch/source"
parameters=${1:+$(printf ' %q' "$@")}
command="PYTHONPATH=\"\$PWD\" $python -m iris_lab report -o out/run$parameters && rm out/run.timings.json"
reprotest --min-cpus 1 --vary="$vary" -s "$scratch/source" "$command" 'out/run' -- null
