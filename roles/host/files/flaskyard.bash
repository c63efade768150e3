# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
# flaskyard.server:host
# Made by python -m tests.docs.
_flaskyard() {
    local word=${COMP_WORDS[COMP_CWORD]} words=
    if [ "$COMP_CWORD" -eq 1 ]; then
        mapfile -t COMPREPLY < <(compgen -W 'status releases history rollback run restart logs backup restore' -- "$word")
        return
    fi
    case ${COMP_WORDS[1]} in
        status) words='--json' ;;
        releases) words='' ;;
        history) words='-n --lines' ;;
        rollback) words='--release --check' ;;
        run) words='' ;;
        restart) words='' ;;
        logs) words='-f --follow -n --lines' ;;
        backup) words='' ;;
        restore) words='--secret-key' ;;
    esac
    case ${COMP_WORDS[1]} in
        releases|history|rollback|run|restart|logs|restore) [ "$COMP_CWORD" -ne 2 ] || words+=" $(ls /var/lib/flaskyard/apps 2>/dev/null)" ;;
    esac
    if [ "${COMP_WORDS[COMP_CWORD - 1]}" = --release ]; then
        words=$(ls "/var/lib/flaskyard/apps/${COMP_WORDS[2]}/releases" 2>/dev/null | sed 's/\.json$//')
    fi
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -F _flaskyard flaskyard
