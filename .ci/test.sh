#!/usr/bin/env bash
# Everything that must hold, in the order in which it fails fastest.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH"
export PLUMBLINE_DATA="${PLUMBLINE_TEST_DATA:-$(mktemp -d)}"
trap 'rm -rf "$PLUMBLINE_DATA"' EXIT
step() { printf '\n== %s (%d min)\n' "$1" $((SECONDS / 60)); }

step "Style: ruff"
ruff check .
ruff format --check .
step "Templates: djlint"
djlint templates --lint --quiet
step "Imports: the chain holds"
lint-imports
step "Types: mypy"
DEBUG=1 mypy cms recordings supervision learning
step "Migrations are complete"
DEBUG=1 python manage.py makemigrations --check --dry-run
step "Deployment check"
SECRET_KEY="$(python -c 'import secrets; print(secrets.token_urlsafe(60))')" ALLOWED_HOSTS=plumbline.example.org python manage.py check --deploy --fail-level WARNING
# A process for each core; within a process one thread for arithmetic, so that they do not fight over the cores.
tests() { OMP_NUM_THREADS=1 pytest --create-db -n logical --maxprocesses 4 --dist loadgroup "$@"; }
export -f tests
step "Tests"
tests -m "not browser" "$@"
# By themselves: Playwright keeps an event loop in its thread, in which Django lets no test touch the database. In order: they share one demo,
# and the loop ends with a withdrawal.
step "Tests in a browser"
pytest --create-db -p no:randomly -m browser "$@"
if [ "${SKIP_POSTGRESQL:-}" != 1 ]; then
  step "Tests on PostgreSQL"
  # Without what touches no database, and without the browser and the kills, which have run above.
  skip=()
  for name in audio exports features speech transcribe_command weights vault; do skip+=("--ignore=tests/recordings/test_$name.py"); done
  bash .ci/postgresql.sh bash -c 'tests -m "not browser and not slow" "$@"' - "${skip[@]}"
fi
