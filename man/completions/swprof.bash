#!/bin/bash

__swprof_cursor_index_in_current_word() {
    local remaining="${COMP_LINE}"

    local word
    for word in "${COMP_WORDS[@]::COMP_CWORD}"; do
        remaining="${remaining##*([[:space:]])"${word}"*([[:space:]])}"
    done

    local -ir index="$((COMP_POINT - ${#COMP_LINE} + ${#remaining}))"
    if [[ "${index}" -le 0 ]]; then
        printf 0
    else
        printf %s "${index}"
    fi
}

# positional arguments:
#
# - 1: the current (sub)command's count of positional arguments
#
# required variables:
#
# - repeating_flags: the repeating flags that the current (sub)command can accept
# - non_repeating_flags: the non-repeating flags that the current (sub)command can accept
# - repeating_options: the repeating options that the current (sub)command can accept
# - non_repeating_options: the non-repeating options that the current (sub)command can accept
# - positional_number: value ignored
# - unparsed_words: unparsed words from the current command line
#
# modified variables:
#
# - non_repeating_flags: remove flags for this (sub)command that are already on the command line
# - non_repeating_options: remove options for this (sub)command that are already on the command line
# - positional_number: set to the current positional number
# - unparsed_words: remove all flags, options, and option values for this (sub)command
__swprof_offer_flags_options() {
    local -ir positional_count="${1}"
    positional_number=0

    local was_flag_option_terminator_seen=false
    local is_parsing_option_value=false

    local -ar unparsed_word_indices=("${!unparsed_words[@]}")
    local -i word_index
    for word_index in "${unparsed_word_indices[@]}"; do
        if "${is_parsing_option_value}"; then
            # This word is an option value:
            # Reset marker for next word iff not currently the last word
            [[ "${word_index}" -ne "${unparsed_word_indices[${#unparsed_word_indices[@]} - 1]}" ]] && is_parsing_option_value=false
            unset "unparsed_words[${word_index}]"
            # Do not process this word as a flag or an option
            continue
        fi

        local word="${unparsed_words["${word_index}"]}"
        if ! "${was_flag_option_terminator_seen}"; then
            case "${word}" in
            --)
                unset "unparsed_words[${word_index}]"
                # by itself -- is a flag/option terminator, but if it is the last word, it is the start of a completion
                if [[ "${word_index}" -ne "${unparsed_word_indices[${#unparsed_word_indices[@]} - 1]}" ]]; then
                    was_flag_option_terminator_seen=true
                fi
                continue
                ;;
            -*)
                # ${word} is a flag or an option
                # If ${word} is an option, mark that the next word to be parsed is an option value
                local option
                for option in "${repeating_options[@]}" "${non_repeating_options[@]}"; do
                    [[ "${word}" = "${option}" ]] && is_parsing_option_value=true && break
                done

                # Remove ${word} from ${non_repeating_flags} or ${non_repeating_options} so it isn't offered again
                local not_found=true
                local -i index
                for index in "${!non_repeating_flags[@]}"; do
                    if [[ "${non_repeating_flags[${index}]}" = "${word}" ]]; then
                        unset "non_repeating_flags[${index}]"
                        non_repeating_flags=("${non_repeating_flags[@]}")
                        not_found=false
                        break
                    fi
                done
                if "${not_found}"; then
                    for index in "${!non_repeating_flags[@]}"; do
                        if [[ "${non_repeating_flags[${index}]}" = "${word}" ]]; then
                            unset "non_repeating_flags[${index}]"
                            non_repeating_flags=("${non_repeating_flags[@]}")
                            break
                        fi
                    done
                fi
                unset "unparsed_words[${word_index}]"
                continue
                ;;
            esac
        fi

        # ${word} is neither a flag, nor an option, nor an option value
        if [[ "${positional_number}" -lt "${positional_count}" || "${positional_count}" -lt 0 ]]; then
            # ${word} is a positional
            ((positional_number++))
            unset "unparsed_words[${word_index}]"
        else
            if [[ -z "${word}" ]]; then
                # Could be completing a flag, option, or subcommand
                positional_number=-1
            else
                # ${word} is a subcommand or invalid, so stop processing this (sub)command
                positional_number=-2
            fi
            break
        fi
    done

    unparsed_words=("${unparsed_words[@]}")

    if\
        ! "${was_flag_option_terminator_seen}"\
        && ! "${is_parsing_option_value}"\
        && [[ ("${cur}" = -* && "${positional_number}" -ge 0) || "${positional_number}" -eq -1 ]]
    then
        COMPREPLY+=($(compgen -W "${repeating_flags[*]} ${non_repeating_flags[*]} ${repeating_options[*]} ${non_repeating_options[*]}" -- "${cur}"))
    fi
}

__swprof_add_completions() {
    local completion
    while IFS='' read -r completion; do
        COMPREPLY+=("${completion}")
    done < <(IFS=$'\n' compgen "${@}" -- "${cur}")
}

__swprof_custom_complete() {
    if [[ -n "${cur}" || -z ${COMP_WORDS[${COMP_CWORD}]} || "${COMP_LINE:${COMP_POINT}:1}" != ' ' ]]; then
        local -ar words=("${COMP_WORDS[@]}")
    else
        local -ar words=("${COMP_WORDS[@]::${COMP_CWORD}}" '' "${COMP_WORDS[@]:${COMP_CWORD}}")
    fi

    "${COMP_WORDS[0]}" "${@}" "${words[@]}"
}

_swprof() {
    local state
    state="$(shopt -p;shopt -po)"
    trap "${state//$'\n'/;}" RETURN
    shopt -s extglob
    set +o history +o posix

    local -xr SAP_SHELL=bash
    local -x SAP_SHELL_VERSION
    SAP_SHELL_VERSION="$(IFS='.';printf %s "${BASH_VERSINFO[*]}")"
    local -r SAP_SHELL_VERSION

    local -r cur="${2}"
    local -r prev="${3}"

    local -i positional_number
    local -a unparsed_words=("${COMP_WORDS[@]:1:${COMP_CWORD}}")

    local -a repeating_flags=()
    local -a non_repeating_flags=(--version -h --help)
    local -a repeating_options=()
    local -a non_repeating_options=()
    __swprof_offer_flags_options 0

    # Offer subcommand / subcommand argument completions
    local -r subcommand="${unparsed_words[0]}"
    unset 'unparsed_words[0]'
    unparsed_words=("${unparsed_words[@]}")
    case "${subcommand}" in
    oncpu|offcpu|network|watch|policy|status|metrics|report|diff|check|tasks|doctor|help)
        # Offer subcommand argument completions
        "_swprof_${subcommand}"
        ;;
    *)
        # Offer subcommand completions
        COMPREPLY+=($(compgen -W 'oncpu offcpu network watch policy status metrics report diff check tasks doctor help' -- "${cur}"))
        ;;
    esac
}

_swprof_oncpu() {
    repeating_flags=()
    non_repeating_flags=(--no-jitter --all --include-children --no-include-children --user --kernel --folded --svg --html --json --speedscope --pprof --perf-script --top --dot --per-thread --lines --native-frames --no-color --no-store --redact-args --quiet -q --verbose -v --version -h --help)
    repeating_options=()
    non_repeating_options=(--freq --pid --comm --cgroup --duration --unwind --by --output -o --color --db --note)
    __swprof_offer_flags_options -1

    # Offer option value completions
    case "${prev}" in
    '--freq')
        return
        ;;
    '--pid')
        __swprof_add_completions -W "$(__swprof_custom_complete ---completion oncpu -- --pid "${COMP_CWORD}" "$(__swprof_cursor_index_in_current_word)")"
        return
        ;;
    '--comm')
        __swprof_add_completions -W "$(__swprof_custom_complete ---completion oncpu -- --comm "${COMP_CWORD}" "$(__swprof_cursor_index_in_current_word)")"
        return
        ;;
    '--cgroup')
        __swprof_add_completions -d
        return
        ;;
    '--duration')
        return
        ;;
    '--unwind')
        __swprof_add_completions -W 'auto'$'\n''dwarf'$'\n''fp'
        return
        ;;
    '--by')
        __swprof_add_completions -W 'duration'$'\n''count'
        return
        ;;
    '--output'|'-o')
        __swprof_add_completions -f
        return
        ;;
    '--color')
        __swprof_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    '--db')
        __swprof_add_completions -f
        return
        ;;
    '--note')
        return
        ;;
    esac
}

_swprof_offcpu() {
    repeating_flags=()
    non_repeating_flags=(--wakers --kernel-threads --all --include-children --no-include-children --user --kernel --folded --svg --html --json --speedscope --pprof --perf-script --top --dot --per-thread --lines --native-frames --no-color --no-store --redact-args --quiet -q --verbose -v --version -h --help)
    repeating_options=(--phase)
    non_repeating_options=(--min-block --max-block --state --pid --comm --cgroup --duration --unwind --by --output -o --color --db --note)
    __swprof_offer_flags_options -1

    # Offer option value completions
    case "${prev}" in
    '--min-block')
        return
        ;;
    '--max-block')
        return
        ;;
    '--phase')
        __swprof_add_completions -W 'blocked'$'\n''runqueue'$'\n''preempted'$'\n''yielded'$'\n''throttled'$'\n''all'
        return
        ;;
    '--state')
        return
        ;;
    '--pid')
        __swprof_add_completions -W "$(__swprof_custom_complete ---completion offcpu -- --pid "${COMP_CWORD}" "$(__swprof_cursor_index_in_current_word)")"
        return
        ;;
    '--comm')
        __swprof_add_completions -W "$(__swprof_custom_complete ---completion offcpu -- --comm "${COMP_CWORD}" "$(__swprof_cursor_index_in_current_word)")"
        return
        ;;
    '--cgroup')
        __swprof_add_completions -d
        return
        ;;
    '--duration')
        return
        ;;
    '--unwind')
        __swprof_add_completions -W 'auto'$'\n''dwarf'$'\n''fp'
        return
        ;;
    '--by')
        __swprof_add_completions -W 'duration'$'\n''count'
        return
        ;;
    '--output'|'-o')
        __swprof_add_completions -f
        return
        ;;
    '--color')
        __swprof_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    '--db')
        __swprof_add_completions -f
        return
        ;;
    '--note')
        return
        ;;
    esac
}

_swprof_network() {
    repeating_flags=()
    non_repeating_flags=(--all --include-children --no-include-children --no-content --fold-ids --call-times --folded --svg --html --json --speedscope --pprof --perf-script --top --dot --per-thread --lines --native-frames --no-color --no-store --redact-args --quiet -q --verbose -v --version -h --help)
    repeating_options=(--uri)
    non_repeating_options=(--pid --comm --cgroup --duration --slower-than --sample --body --samples --by --output -o --color --db --note)
    __swprof_offer_flags_options -1

    # Offer option value completions
    case "${prev}" in
    '--pid')
        __swprof_add_completions -W "$(__swprof_custom_complete ---completion network -- --pid "${COMP_CWORD}" "$(__swprof_cursor_index_in_current_word)")"
        return
        ;;
    '--comm')
        __swprof_add_completions -W "$(__swprof_custom_complete ---completion network -- --comm "${COMP_CWORD}" "$(__swprof_cursor_index_in_current_word)")"
        return
        ;;
    '--cgroup')
        __swprof_add_completions -d
        return
        ;;
    '--duration')
        return
        ;;
    '--uri')
        return
        ;;
    '--slower-than')
        return
        ;;
    '--sample')
        return
        ;;
    '--body')
        return
        ;;
    '--samples')
        return
        ;;
    '--by')
        __swprof_add_completions -W 'duration'$'\n''count'
        return
        ;;
    '--output'|'-o')
        __swprof_add_completions -f
        return
        ;;
    '--color')
        __swprof_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    '--db')
        __swprof_add_completions -f
        return
        ;;
    '--note')
        return
        ;;
    esac
}

_swprof_watch() {
    repeating_flags=()
    non_repeating_flags=(--json --quiet -q --verbose -v --version -h --help)
    repeating_options=()
    non_repeating_options=(--policy --openmetrics --db)
    __swprof_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--policy')
        __swprof_add_completions -f
        return
        ;;
    '--openmetrics')
        __swprof_add_completions -f
        return
        ;;
    '--db')
        __swprof_add_completions -f
        return
        ;;
    esac
}

_swprof_policy() {
    repeating_flags=()
    non_repeating_flags=(--version -h --help)
    repeating_options=()
    non_repeating_options=()
    __swprof_offer_flags_options 0

    # Offer subcommand / subcommand argument completions
    local -r subcommand="${unparsed_words[0]}"
    unset 'unparsed_words[0]'
    unparsed_words=("${unparsed_words[@]}")
    case "${subcommand}" in
    check)
        # Offer subcommand argument completions
        "_swprof_policy_${subcommand}"
        ;;
    *)
        # Offer subcommand completions
        COMPREPLY+=($(compgen -W 'check' -- "${cur}"))
        ;;
    esac
}

_swprof_policy_check() {
    repeating_flags=()
    non_repeating_flags=(--version -h --help)
    repeating_options=()
    non_repeating_options=()
    __swprof_offer_flags_options 1

    # Offer positional completions
    case "${positional_number}" in
    1)
        __swprof_add_completions -f
        return
        ;;
    esac
}

_swprof_status() {
    repeating_flags=()
    non_repeating_flags=(--json --version -h --help)
    repeating_options=()
    non_repeating_options=(--since --db)
    __swprof_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--since')
        return
        ;;
    '--db')
        __swprof_add_completions -f
        return
        ;;
    esac
}

_swprof_metrics() {
    repeating_flags=()
    non_repeating_flags=(--json --version -h --help)
    repeating_options=()
    non_repeating_options=(--pid --since --db)
    __swprof_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--pid')
        return
        ;;
    '--since')
        return
        ;;
    '--db')
        __swprof_add_completions -f
        return
        ;;
    esac
}

_swprof_report() {
    repeating_flags=()
    non_repeating_flags=(--user --kernel --inverted --reverse --folded --svg --html --json --speedscope --pprof --perf-script --top --dot --per-thread --lines --native-frames --no-color --quiet -q --verbose -v --version -h --help)
    repeating_options=(--from --label)
    non_repeating_options=(--window --event --thread --focus --ignore --since --until --root --min-share --title --by --output -o --color --db)
    __swprof_offer_flags_options -1

    # Offer option value completions
    case "${prev}" in
    '--from')
        __swprof_add_completions -f
        return
        ;;
    '--window')
        return
        ;;
    '--event')
        return
        ;;
    '--thread')
        return
        ;;
    '--label')
        return
        ;;
    '--focus')
        return
        ;;
    '--ignore')
        return
        ;;
    '--since')
        return
        ;;
    '--until')
        return
        ;;
    '--root')
        __swprof_add_completions -W 'process'$'\n''thread'$'\n''none'
        return
        ;;
    '--min-share')
        return
        ;;
    '--title')
        return
        ;;
    '--by')
        __swprof_add_completions -W 'duration'$'\n''count'
        return
        ;;
    '--output'|'-o')
        __swprof_add_completions -f
        return
        ;;
    '--color')
        __swprof_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    '--db')
        __swprof_add_completions -f
        return
        ;;
    esac

    # Offer positional completions
    case "${positional_number}" in
    *)
        __swprof_add_completions -W "$(__swprof_custom_complete ---completion report -- positional@0 "${COMP_CWORD}" "$(__swprof_cursor_index_in_current_word)")"
        return
        ;;
    esac
}

_swprof_diff() {
    repeating_flags=()
    non_repeating_flags=(--same-machine --native-frames --folded --svg --html --json --fail --no-color --quiet -q --verbose -v --version -h --help)
    repeating_options=(--watch-function --exclude)
    non_repeating_options=(--scope --weight --max-regression --min-impact --max-total-regression --alpha --event --output -o --db --color)
    __swprof_offer_flags_options 2

    # Offer option value completions
    case "${prev}" in
    '--scope')
        __swprof_add_completions -W 'function'$'\n''module'
        return
        ;;
    '--weight')
        __swprof_add_completions -W 'count'$'\n''time'
        return
        ;;
    '--watch-function')
        return
        ;;
    '--exclude')
        return
        ;;
    '--max-regression')
        return
        ;;
    '--min-impact')
        return
        ;;
    '--max-total-regression')
        return
        ;;
    '--alpha')
        return
        ;;
    '--event')
        return
        ;;
    '--output'|'-o')
        __swprof_add_completions -f
        return
        ;;
    '--db')
        __swprof_add_completions -f
        return
        ;;
    '--color')
        __swprof_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac
}

_swprof_check() {
    repeating_flags=()
    non_repeating_flags=(--no-jitter --same-machine --native-frames --no-color --quiet -q --verbose -v --version -h --help)
    repeating_options=(--baseline --candidate --watch-function --exclude --output)
    non_repeating_options=(--baseline-command --runs --max-runs --freq --work --scope --weight --max-regression --min-impact --max-total-regression --alpha --event --accept --on-inconclusive --save --db --color)
    __swprof_offer_flags_options -1

    # Offer option value completions
    case "${prev}" in
    '--baseline')
        return
        ;;
    '--candidate')
        return
        ;;
    '--baseline-command')
        return
        ;;
    '--runs')
        return
        ;;
    '--max-runs')
        return
        ;;
    '--freq')
        return
        ;;
    '--work')
        return
        ;;
    '--scope')
        __swprof_add_completions -W 'function'$'\n''module'
        return
        ;;
    '--weight')
        __swprof_add_completions -W 'count'$'\n''time'
        return
        ;;
    '--watch-function')
        return
        ;;
    '--exclude')
        return
        ;;
    '--max-regression')
        return
        ;;
    '--min-impact')
        return
        ;;
    '--max-total-regression')
        return
        ;;
    '--alpha')
        return
        ;;
    '--event')
        return
        ;;
    '--accept')
        __swprof_add_completions -f
        return
        ;;
    '--on-inconclusive')
        __swprof_add_completions -W 'warn'$'\n''fail'
        return
        ;;
    '--output')
        return
        ;;
    '--save')
        __swprof_add_completions -f
        return
        ;;
    '--db')
        __swprof_add_completions -f
        return
        ;;
    '--color')
        __swprof_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac
}

_swprof_tasks() {
    repeating_flags=()
    non_repeating_flags=(--version -h --help)
    repeating_options=()
    non_repeating_options=()
    __swprof_offer_flags_options 0

    # Offer subcommand / subcommand argument completions
    local -r subcommand="${unparsed_words[0]}"
    unset 'unparsed_words[0]'
    unparsed_words=("${unparsed_words[@]}")
    case "${subcommand}" in
    list|show|rm|prune)
        # Offer subcommand argument completions
        "_swprof_tasks_${subcommand}"
        ;;
    *)
        # Offer subcommand completions
        COMPREPLY+=($(compgen -W 'list show rm prune' -- "${cur}"))
        ;;
    esac
}

_swprof_tasks_list() {
    repeating_flags=()
    non_repeating_flags=(--json --json-lines --quiet -q --verbose -v --version -h --help)
    repeating_options=()
    non_repeating_options=(--db)
    __swprof_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--db')
        __swprof_add_completions -f
        return
        ;;
    esac
}

_swprof_tasks_show() {
    repeating_flags=()
    non_repeating_flags=(--json --version -h --help)
    repeating_options=()
    non_repeating_options=(--db)
    __swprof_offer_flags_options 1

    # Offer option value completions
    case "${prev}" in
    '--db')
        __swprof_add_completions -f
        return
        ;;
    esac

    # Offer positional completions
    case "${positional_number}" in
    1)
        __swprof_add_completions -W "$(__swprof_custom_complete ---completion tasks show -- positional@0 "${COMP_CWORD}" "$(__swprof_cursor_index_in_current_word)")"
        return
        ;;
    esac
}

_swprof_tasks_rm() {
    repeating_flags=()
    non_repeating_flags=(--version -h --help)
    repeating_options=()
    non_repeating_options=(--db)
    __swprof_offer_flags_options -1

    # Offer option value completions
    case "${prev}" in
    '--db')
        __swprof_add_completions -f
        return
        ;;
    esac

    # Offer positional completions
    case "${positional_number}" in
    *)
        __swprof_add_completions -W "$(__swprof_custom_complete ---completion tasks rm -- positional@0 "${COMP_CWORD}" "$(__swprof_cursor_index_in_current_word)")"
        return
        ;;
    esac
}

_swprof_tasks_prune() {
    repeating_flags=()
    non_repeating_flags=(--version -h --help)
    repeating_options=()
    non_repeating_options=(--older-than --db)
    __swprof_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--older-than')
        return
        ;;
    '--db')
        __swprof_add_completions -f
        return
        ;;
    esac
}

_swprof_doctor() {
    repeating_flags=()
    non_repeating_flags=(--json --version -h --help)
    repeating_options=()
    non_repeating_options=(--pid)
    __swprof_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--pid')
        return
        ;;
    esac
}

_swprof_help() {
    repeating_flags=()
    non_repeating_flags=(--version)
    repeating_options=()
    non_repeating_options=()
    __swprof_offer_flags_options -1
}

complete -o filenames -F _swprof swprof
