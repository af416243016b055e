function __swprof_should_offer_completions_for_flags_or_options -a expected_commands
    set -l non_repeating_flags_or_options $argv[2..]
    set -l non_repeating_flags_or_options_absent 0
    set -l positional_index 0
    set -l commands
    __swprof_parse_tokens
    test "$commands" = "$expected_commands"; and return $non_repeating_flags_or_options_absent
end

function __swprof_should_offer_completions_for_positional -a expected_commands positional_index_comparison expected_positional_index
    set -l non_repeating_flags_or_options
    set -l non_repeating_flags_or_options_absent 0
    set -l positional_index 0
    set -l commands
    __swprof_parse_tokens
    test "$commands" = "$expected_commands" -a \( "$positional_index" "$positional_index_comparison" "$expected_positional_index" \)
end

function __swprof_parse_tokens -S
    set -l unparsed_tokens (__swprof_tokens -pc)
    switch $unparsed_tokens[1]
    case 'swprof'
        __swprof_parse_subcommand 0 'version' 'h/help'
        switch $unparsed_tokens[1]
        case 'oncpu'
            __swprof_parse_subcommand -r 1 'freq=' 'no-jitter' 'pid=' 'comm=' 'cgroup=' 'all' 'include-children' 'no-include-children' 'duration=' 'user' 'kernel' 'unwind=' 'folded' 'svg' 'html' 'json' 'speedscope' 'pprof' 'perf-script' 'top' 'dot' 'by=' 'per-thread' 'lines' 'native-frames' 'o/output=' 'color=' 'no-color' 'db=' 'no-store' 'note=' 'redact-args' 'q/quiet' 'v/verbose' 'version' 'h/help'
        case 'offcpu'
            __swprof_parse_subcommand -r 1 'min-block=' 'max-block=' 'phase=+' 'state=' 'wakers' 'kernel-threads' 'pid=' 'comm=' 'cgroup=' 'all' 'include-children' 'no-include-children' 'duration=' 'user' 'kernel' 'unwind=' 'folded' 'svg' 'html' 'json' 'speedscope' 'pprof' 'perf-script' 'top' 'dot' 'by=' 'per-thread' 'lines' 'native-frames' 'o/output=' 'color=' 'no-color' 'db=' 'no-store' 'note=' 'redact-args' 'q/quiet' 'v/verbose' 'version' 'h/help'
        case 'network'
            __swprof_parse_subcommand -r 1 'pid=' 'comm=' 'cgroup=' 'all' 'include-children' 'no-include-children' 'duration=' 'uri=+' 'slower-than=' 'sample=' 'body=' 'no-content' 'samples=' 'fold-ids' 'call-times' 'folded' 'svg' 'html' 'json' 'speedscope' 'pprof' 'perf-script' 'top' 'dot' 'by=' 'per-thread' 'lines' 'native-frames' 'o/output=' 'color=' 'no-color' 'db=' 'no-store' 'note=' 'redact-args' 'q/quiet' 'v/verbose' 'version' 'h/help'
        case 'watch'
            __swprof_parse_subcommand 0 'policy=' 'json' 'openmetrics=' 'db=' 'q/quiet' 'v/verbose' 'version' 'h/help'
        case 'policy'
            __swprof_parse_subcommand 0 'version' 'h/help'
            switch $unparsed_tokens[1]
            case 'check'
                __swprof_parse_subcommand 1 'version' 'h/help'
            end
        case 'status'
            __swprof_parse_subcommand 0 'since=' 'json' 'db=' 'version' 'h/help'
        case 'metrics'
            __swprof_parse_subcommand 0 'pid=' 'since=' 'json' 'db=' 'version' 'h/help'
        case 'report'
            __swprof_parse_subcommand -r 1 'from=+' 'window=' 'event=' 'thread=' 'label=+' 'focus=' 'ignore=' 'since=' 'until=' 'user' 'kernel' 'root=' 'inverted' 'reverse' 'min-share=' 'title=' 'folded' 'svg' 'html' 'json' 'speedscope' 'pprof' 'perf-script' 'top' 'dot' 'by=' 'per-thread' 'lines' 'native-frames' 'o/output=' 'color=' 'no-color' 'db=' 'q/quiet' 'v/verbose' 'version' 'h/help'
        case 'diff'
            __swprof_parse_subcommand 2 'scope=' 'weight=' 'watch-function=+' 'exclude=+' 'max-regression=' 'min-impact=' 'max-total-regression=' 'alpha=' 'event=' 'same-machine' 'native-frames' 'folded' 'svg' 'html' 'json' 'fail' 'o/output=' 'db=' 'color=' 'no-color' 'q/quiet' 'v/verbose' 'version' 'h/help'
        case 'check'
            __swprof_parse_subcommand -r 1 'baseline=+' 'candidate=+' 'baseline-command=' 'runs=' 'max-runs=' 'freq=' 'no-jitter' 'work=' 'scope=' 'weight=' 'watch-function=+' 'exclude=+' 'max-regression=' 'min-impact=' 'max-total-regression=' 'alpha=' 'event=' 'same-machine' 'native-frames' 'accept=' 'on-inconclusive=' 'output=+' 'save=' 'db=' 'color=' 'no-color' 'q/quiet' 'v/verbose' 'version' 'h/help'
        case 'tasks'
            __swprof_parse_subcommand 0 'version' 'h/help'
            switch $unparsed_tokens[1]
            case 'list'
                __swprof_parse_subcommand 0 'json' 'json-lines' 'db=' 'q/quiet' 'v/verbose' 'version' 'h/help'
            case 'show'
                __swprof_parse_subcommand 1 'json' 'db=' 'version' 'h/help'
            case 'rm'
                __swprof_parse_subcommand -r 1 'db=' 'version' 'h/help'
            case 'prune'
                __swprof_parse_subcommand 0 'older-than=' 'db=' 'version' 'h/help'
            end
        case 'doctor'
            __swprof_parse_subcommand 0 'pid=' 'json' 'version' 'h/help'
        case 'help'
            __swprof_parse_subcommand -r 1 'version'
        end
    end
end

function __swprof_tokens
    if test (string split -m 1 -f 1 -- . "$FISH_VERSION") -gt 3
        commandline --tokens-raw $argv
    else
        commandline -o $argv
    end
end

function __swprof_parse_subcommand -S -a positional_count
    argparse -s r -- $argv
    set -l option_specs $argv[2..]
    set -l is_repeating_positional $_flag_r
    set -el _flag_r
    set -a commands $unparsed_tokens[1]
    set positional_index 0
    while true
        set -e unparsed_tokens[1]
        argparse -sn "$commands" $option_specs -- $unparsed_tokens 2> /dev/null
        set unparsed_tokens $argv
        set positional_index (math $positional_index + 1)
        for non_repeating_flag_or_option in $non_repeating_flags_or_options
            if set -ql "_flag_$(string replace -a - _ -- $non_repeating_flag_or_option)"
                set non_repeating_flags_or_options_absent 1
                break
            end
        end
        test (count $unparsed_tokens) -eq 0 -o \( -z "$is_repeating_positional" -a "$positional_index" -gt "$positional_count" \) && break
    end
end

function __swprof_complete_directories
    set -l token (commandline -t)
    string match -- '*/' $token
    set -l subdirs $token*/
    printf %s\n $subdirs
end

function __swprof_custom_completion
    set -x SAP_SHELL fish
    set -x SAP_SHELL_VERSION $FISH_VERSION
    set -l tokens (__swprof_tokens -p)
    if test -z "$(__swprof_tokens -t)"
        set -l index (count (__swprof_tokens -pc))
        set tokens $tokens[..$index] \'\' $tokens[(math $index + 1)..]
    end
    command $tokens[1] $argv $tokens
end

complete -c 'swprof' -f
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof" version' -l 'version' -d 'Show the version.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_positional "swprof" -eq 1' -fa 'oncpu' -d 'Record where threads run.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_positional "swprof" -eq 1' -fa 'offcpu' -d 'Record where threads wait.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_positional "swprof" -eq 1' -fa 'network' -d 'Record who talks to whom, how fast and how lossy, and which requests fail.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_positional "swprof" -eq 1' -fa 'watch' -d 'Watch processes, and profile them when a rule holds.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_positional "swprof" -eq 1' -fa 'policy' -d 'Look at the policies of \'swprof watch\'.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_positional "swprof" -eq 1' -fa 'status' -d 'Say how \'swprof watch\' is doing: policies, processes, what was started.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_positional "swprof" -eq 1' -fa 'metrics' -d 'Show what \'swprof watch\' has measured of a process.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_positional "swprof" -eq 1' -fa 'report' -d 'Print or draw a stored task.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_positional "swprof" -eq 1' -fa 'diff' -d 'Show what changed between two profiles.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_positional "swprof" -eq 1' -fa 'check' -d 'Fail a build on a performance regression, and on nothing else.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_positional "swprof" -eq 1' -fa 'tasks' -d 'List, show and remove stored tasks.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_positional "swprof" -eq 1' -fa 'doctor' -d 'Say what this machine allows, and what it means.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_positional "swprof" -eq 1' -fa 'help' -d 'Show subcommand help information.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof oncpu" freq' -l 'freq' -d 'Samples a second and CPU, on average.' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof oncpu" no-jitter' -l 'no-jitter' -d 'Sample at equal distances. A program that works in step with them shows wrong shares; by default, distances are random.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof oncpu" pid' -l 'pid' -d 'Profile these processes.' -rfka '(__swprof_custom_completion ---completion oncpu -- --pid (count (__swprof_tokens -pc)) (__swprof_tokens -tC))'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof oncpu" comm' -l 'comm' -d 'Profile every process of this name.' -rfka '(__swprof_custom_completion ---completion oncpu -- --comm (count (__swprof_tokens -pc)) (__swprof_tokens -tC))'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof oncpu" cgroup' -l 'cgroup' -d 'Profile the members of this control group.' -rfa '(__swprof_complete_directories)'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof oncpu" all' -l 'all' -d 'Profile everything that runs.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof oncpu" include-children' -l 'include-children' -d 'Include the children that the targets have started, and follow those that they start.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof oncpu" no-include-children' -l 'no-include-children' -d 'Include the children that the targets have started, and follow those that they start.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof oncpu" duration' -l 'duration' -d 'How long: 500ms, 10s, 10m. Default 30s; with a command, until it ends.' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof oncpu" user' -l 'user' -d 'Record user stacks only.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof oncpu" kernel' -l 'kernel' -d 'Record kernel stacks only.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof oncpu" unwind' -l 'unwind' -d 'How to walk user stacks: dwarf (by the files\' unwind tables), fp (by frame pointers), auto (dwarf if possible).' -rfka 'auto dwarf fp'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof oncpu" folded' -l 'folded' -d 'Print folded stacks: \'comm;root;...;leaf count\'.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof oncpu" svg' -l 'svg' -d 'Draw a flame graph; of a network task, a map.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof oncpu" html' -l 'html' -d 'Write a page with everything about the task, which needs nothing else.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof oncpu" json' -l 'json' -d 'Print the task and its profile as one JSON object.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof oncpu" speedscope' -l 'speedscope' -d 'Print a file for speedscope, a profile for each thread.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof oncpu" pprof' -l 'pprof' -d 'Write a pprof profile, compressed.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof oncpu" perf-script' -l 'perf-script' -d 'Print samples as perf script does.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof oncpu" top' -l 'top' -d 'Print the hottest functions with bars, and the hottest path.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof oncpu" dot' -l 'dot' -d 'Print who talks to whom for Graphviz; of network tasks alone.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof oncpu" by' -l 'by' -d 'What off-CPU stacks are drawn by: duration (folded: in microseconds) or count.' -rfka 'duration count'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof oncpu" per-thread' -l 'per-thread' -d 'Keep the threads of a process apart.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof oncpu" lines' -l 'lines' -d 'Show the source line of each frame, where it is known.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof oncpu" native-frames' -l 'native-frames' -d 'Show the native frames of interpreters as well: CPython\'s loop, and the calls to and from it.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof oncpu" o output' -l 'output' -s 'o' -d 'Write to this file; \'-\' is standard output.' -rF
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof oncpu" color' -l 'color' -d 'Color the result: auto (on a terminal, unless NO_COLOR is set), always or never.' -rfka 'auto always never'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof oncpu" no-color' -l 'no-color' -d 'The same as \'--color never\'.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof oncpu" db' -l 'db' -d 'Use this task database (default: SWPROF_DB, else root\'s or the user\'s own).' -rF
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof oncpu" no-store' -l 'no-store' -d 'Do not store the task.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof oncpu" note' -l 'note' -d 'A remark to keep with the task.' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof oncpu" redact-args' -l 'redact-args' -d 'Keep of \'-- COMMAND\' the program\'s name only: arguments may hold secrets.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof oncpu" q quiet' -l 'quiet' -s 'q' -d 'Say nothing but the result and errors: no progress, notes or warnings.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof oncpu" v verbose' -l 'verbose' -s 'v' -d 'Say what swprof does, and where it keeps things.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof oncpu" version' -l 'version' -d 'Show the version.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof oncpu" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof offcpu" min-block' -l 'min-block' -d 'Record waits of this length or more: 1us, 10ms, 0. (default: 1us)' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof offcpu" max-block' -l 'max-block' -d 'Record waits of this length or less.' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof offcpu"' -l 'phase' -d 'Record this: blocked (until woken), runqueue (from then on), preempted, yielded, throttled (by a CPU limit), or all. Can be repeated.' -rfka 'blocked runqueue preempted yielded throttled all'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof offcpu" state' -l 'state' -d 'Record waits in these states, as ps(1) writes them: S, D, T, t, I, P; several as D,S.' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof offcpu" wakers' -l 'wakers' -d 'Record who ended each wait, and draw its stack above the sleeper\'s.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof offcpu" kernel-threads' -l 'kernel-threads' -d 'With --all: record the kernel\'s own threads too.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof offcpu" pid' -l 'pid' -d 'Profile these processes.' -rfka '(__swprof_custom_completion ---completion offcpu -- --pid (count (__swprof_tokens -pc)) (__swprof_tokens -tC))'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof offcpu" comm' -l 'comm' -d 'Profile every process of this name.' -rfka '(__swprof_custom_completion ---completion offcpu -- --comm (count (__swprof_tokens -pc)) (__swprof_tokens -tC))'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof offcpu" cgroup' -l 'cgroup' -d 'Profile the members of this control group.' -rfa '(__swprof_complete_directories)'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof offcpu" all' -l 'all' -d 'Profile everything that runs.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof offcpu" include-children' -l 'include-children' -d 'Include the children that the targets have started, and follow those that they start.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof offcpu" no-include-children' -l 'no-include-children' -d 'Include the children that the targets have started, and follow those that they start.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof offcpu" duration' -l 'duration' -d 'How long: 500ms, 10s, 10m. Default 30s; with a command, until it ends.' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof offcpu" user' -l 'user' -d 'Record user stacks only.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof offcpu" kernel' -l 'kernel' -d 'Record kernel stacks only.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof offcpu" unwind' -l 'unwind' -d 'How to walk user stacks: dwarf (by the files\' unwind tables), fp (by frame pointers), auto (dwarf if possible).' -rfka 'auto dwarf fp'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof offcpu" folded' -l 'folded' -d 'Print folded stacks: \'comm;root;...;leaf count\'.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof offcpu" svg' -l 'svg' -d 'Draw a flame graph; of a network task, a map.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof offcpu" html' -l 'html' -d 'Write a page with everything about the task, which needs nothing else.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof offcpu" json' -l 'json' -d 'Print the task and its profile as one JSON object.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof offcpu" speedscope' -l 'speedscope' -d 'Print a file for speedscope, a profile for each thread.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof offcpu" pprof' -l 'pprof' -d 'Write a pprof profile, compressed.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof offcpu" perf-script' -l 'perf-script' -d 'Print samples as perf script does.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof offcpu" top' -l 'top' -d 'Print the hottest functions with bars, and the hottest path.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof offcpu" dot' -l 'dot' -d 'Print who talks to whom for Graphviz; of network tasks alone.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof offcpu" by' -l 'by' -d 'What off-CPU stacks are drawn by: duration (folded: in microseconds) or count.' -rfka 'duration count'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof offcpu" per-thread' -l 'per-thread' -d 'Keep the threads of a process apart.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof offcpu" lines' -l 'lines' -d 'Show the source line of each frame, where it is known.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof offcpu" native-frames' -l 'native-frames' -d 'Show the native frames of interpreters as well: CPython\'s loop, and the calls to and from it.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof offcpu" o output' -l 'output' -s 'o' -d 'Write to this file; \'-\' is standard output.' -rF
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof offcpu" color' -l 'color' -d 'Color the result: auto (on a terminal, unless NO_COLOR is set), always or never.' -rfka 'auto always never'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof offcpu" no-color' -l 'no-color' -d 'The same as \'--color never\'.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof offcpu" db' -l 'db' -d 'Use this task database (default: SWPROF_DB, else root\'s or the user\'s own).' -rF
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof offcpu" no-store' -l 'no-store' -d 'Do not store the task.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof offcpu" note' -l 'note' -d 'A remark to keep with the task.' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof offcpu" redact-args' -l 'redact-args' -d 'Keep of \'-- COMMAND\' the program\'s name only: arguments may hold secrets.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof offcpu" q quiet' -l 'quiet' -s 'q' -d 'Say nothing but the result and errors: no progress, notes or warnings.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof offcpu" v verbose' -l 'verbose' -s 'v' -d 'Say what swprof does, and where it keeps things.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof offcpu" version' -l 'version' -d 'Show the version.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof offcpu" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof network" pid' -l 'pid' -d 'Profile these processes.' -rfka '(__swprof_custom_completion ---completion network -- --pid (count (__swprof_tokens -pc)) (__swprof_tokens -tC))'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof network" comm' -l 'comm' -d 'Profile every process of this name.' -rfka '(__swprof_custom_completion ---completion network -- --comm (count (__swprof_tokens -pc)) (__swprof_tokens -tC))'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof network" cgroup' -l 'cgroup' -d 'Profile the members of this control group.' -rfa '(__swprof_complete_directories)'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof network" all' -l 'all' -d 'Profile everything that runs.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof network" include-children' -l 'include-children' -d 'Include the children that the targets have started, and follow those that they start.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof network" no-include-children' -l 'no-include-children' -d 'Include the children that the targets have started, and follow those that they start.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof network" duration' -l 'duration' -d 'How long: 500ms, 10s, 10m. Default 30s; with a command, until it ends.' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof network"' -l 'uri' -d 'List and keep only requests whose path this regular expression finds. Can be repeated.' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof network" slower-than' -l 'slower-than' -d 'Requests of this length or more are slow. (default: 250ms)' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof network" sample' -l 'sample' -d 'What requests are kept for, the first that fits: slow, 4xx, 5xx, several as slow,5xx; none.' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof network" body' -l 'body' -d 'Keep this many bytes of the messages of kept requests, at most 4096; values that are known to be secrets are blanked.' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof network" no-content' -l 'no-content' -d 'Keep nothing of what messages contain: neither heads nor bodies, and of paths nothing behind a parameter.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof network" samples' -l 'samples' -d 'Keep this many requests for each reason and path, at most 1000.' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof network" fold-ids' -l 'fold-ids' -d 'Show numbers and identifiers in paths as one: /users/{id}.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof network" call-times' -l 'call-times' -d 'Measure how long accepting, sending and receiving calls take; costs a little on every system call.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof network" folded' -l 'folded' -d 'Print folded stacks: \'comm;root;...;leaf count\'.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof network" svg' -l 'svg' -d 'Draw a flame graph; of a network task, a map.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof network" html' -l 'html' -d 'Write a page with everything about the task, which needs nothing else.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof network" json' -l 'json' -d 'Print the task and its profile as one JSON object.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof network" speedscope' -l 'speedscope' -d 'Print a file for speedscope, a profile for each thread.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof network" pprof' -l 'pprof' -d 'Write a pprof profile, compressed.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof network" perf-script' -l 'perf-script' -d 'Print samples as perf script does.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof network" top' -l 'top' -d 'Print the hottest functions with bars, and the hottest path.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof network" dot' -l 'dot' -d 'Print who talks to whom for Graphviz; of network tasks alone.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof network" by' -l 'by' -d 'What off-CPU stacks are drawn by: duration (folded: in microseconds) or count.' -rfka 'duration count'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof network" per-thread' -l 'per-thread' -d 'Keep the threads of a process apart.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof network" lines' -l 'lines' -d 'Show the source line of each frame, where it is known.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof network" native-frames' -l 'native-frames' -d 'Show the native frames of interpreters as well: CPython\'s loop, and the calls to and from it.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof network" o output' -l 'output' -s 'o' -d 'Write to this file; \'-\' is standard output.' -rF
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof network" color' -l 'color' -d 'Color the result: auto (on a terminal, unless NO_COLOR is set), always or never.' -rfka 'auto always never'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof network" no-color' -l 'no-color' -d 'The same as \'--color never\'.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof network" db' -l 'db' -d 'Use this task database (default: SWPROF_DB, else root\'s or the user\'s own).' -rF
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof network" no-store' -l 'no-store' -d 'Do not store the task.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof network" note' -l 'note' -d 'A remark to keep with the task.' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof network" redact-args' -l 'redact-args' -d 'Keep of \'-- COMMAND\' the program\'s name only: arguments may hold secrets.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof network" q quiet' -l 'quiet' -s 'q' -d 'Say nothing but the result and errors: no progress, notes or warnings.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof network" v verbose' -l 'verbose' -s 'v' -d 'Say what swprof does, and where it keeps things.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof network" version' -l 'version' -d 'Show the version.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof network" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof watch" policy' -l 'policy' -d 'The policies.' -rF
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof watch" json' -l 'json' -d 'Print a JSON object a line.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof watch" openmetrics' -l 'openmetrics' -d 'Keep values in this file, for the textfile collector of node_exporter.' -rF
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof watch" db' -l 'db' -d 'Use this task database (default: SWPROF_DB, else root\'s or the user\'s own).' -rF
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof watch" q quiet' -l 'quiet' -s 'q' -d 'Say nothing but the result and errors: no progress, notes or warnings.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof watch" v verbose' -l 'verbose' -s 'v' -d 'Say what swprof does, and where it keeps things.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof watch" version' -l 'version' -d 'Show the version.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof watch" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof policy" version' -l 'version' -d 'Show the version.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof policy" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_positional "swprof policy" -eq 1' -fa 'check' -d 'Check a policy file, and say which processes each policy would watch now.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_positional "swprof policy check" -eq 1' -F
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof policy check" version' -l 'version' -d 'Show the version.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof policy check" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof status" since' -l 'since' -d 'Count what was started within this time. (default: 24h)' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof status" json' -l 'json' -d 'Print a JSON object.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof status" db' -l 'db' -d 'Use this task database (default: SWPROF_DB, else root\'s or the user\'s own).' -rF
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof status" version' -l 'version' -d 'Show the version.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof status" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof metrics" pid' -l 'pid' -d 'The process, which may have ended.' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof metrics" since' -l 'since' -d 'From this long ago on. (default: 1h)' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof metrics" json' -l 'json' -d 'Print a JSON object with all values.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof metrics" db' -l 'db' -d 'Use this task database (default: SWPROF_DB, else root\'s or the user\'s own).' -rF
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof metrics" version' -l 'version' -d 'Show the version.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof metrics" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_positional "swprof report" -ge 1' -fka '(__swprof_custom_completion ---completion report -- positional@0 (count (__swprof_tokens -pc)) (__swprof_tokens -tC))'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof report"' -l 'from' -d 'Read this file instead of a task: folded stacks, perf script\'s text or pprof; \'-\' is standard input. Repeatable.' -rF
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof report" window' -l 'window' -d 'Sum up the tasks that started in the last hours instead: 48h; as text, or with --html as a page.' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof report" event' -l 'event' -d 'Of a file with several events, report this one: of perf script\'s, or a type of values of pprof\'s.' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof report" thread' -l 'thread' -d 'Only threads of this name or number.' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof report"' -l 'label' -d 'Only what was measured under this label. Can be repeated: all must hold.' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof report" focus' -l 'focus' -d 'Only stacks with a function that this regular expression finds.' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof report" ignore' -l 'ignore' -d 'No stack with a function that this regular expression finds.' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof report" since' -l 'since' -d 'Only what was recorded from this time after the start on: 10s, 1500ms.' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof report" until' -l 'until' -d 'Only what was recorded up to this time after the start.' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof report" user' -l 'user' -d 'Only the user part of stacks.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof report" kernel' -l 'kernel' -d 'Only the kernel part of stacks.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof report" root' -l 'root' -d 'What stacks stand on: process, thread or none.' -rfka 'process thread none'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof report" inverted' -l 'inverted' -d 'Draw the root on top.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof report" reverse' -l 'reverse' -d 'Merge stacks from their leaves.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof report" min-share' -l 'min-share' -d 'Leave out of a drawing what has less than this share, in percent.' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof report" title' -l 'title' -d 'The title of a drawing.' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof report" folded' -l 'folded' -d 'Print folded stacks: \'comm;root;...;leaf count\'.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof report" svg' -l 'svg' -d 'Draw a flame graph; of a network task, a map.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof report" html' -l 'html' -d 'Write a page with everything about the task, which needs nothing else.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof report" json' -l 'json' -d 'Print the task and its profile as one JSON object.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof report" speedscope' -l 'speedscope' -d 'Print a file for speedscope, a profile for each thread.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof report" pprof' -l 'pprof' -d 'Write a pprof profile, compressed.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof report" perf-script' -l 'perf-script' -d 'Print samples as perf script does.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof report" top' -l 'top' -d 'Print the hottest functions with bars, and the hottest path.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof report" dot' -l 'dot' -d 'Print who talks to whom for Graphviz; of network tasks alone.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof report" by' -l 'by' -d 'What off-CPU stacks are drawn by: duration (folded: in microseconds) or count.' -rfka 'duration count'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof report" per-thread' -l 'per-thread' -d 'Keep the threads of a process apart.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof report" lines' -l 'lines' -d 'Show the source line of each frame, where it is known.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof report" native-frames' -l 'native-frames' -d 'Show the native frames of interpreters as well: CPython\'s loop, and the calls to and from it.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof report" o output' -l 'output' -s 'o' -d 'Write to this file; \'-\' is standard output.' -rF
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof report" color' -l 'color' -d 'Color the result: auto (on a terminal, unless NO_COLOR is set), always or never.' -rfka 'auto always never'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof report" no-color' -l 'no-color' -d 'The same as \'--color never\'.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof report" db' -l 'db' -d 'Use this task database (default: SWPROF_DB, else root\'s or the user\'s own).' -rF
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof report" q quiet' -l 'quiet' -s 'q' -d 'Say nothing but the result and errors: no progress, notes or warnings.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof report" v verbose' -l 'verbose' -s 'v' -d 'Say what swprof does, and where it keeps things.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof report" version' -l 'version' -d 'Show the version.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof report" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof diff" scope' -l 'scope' -d 'What is compared: function or module.' -rfka 'function module'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof diff" weight' -l 'weight' -d 'What off-CPU stacks are weighed by: count (of waits), or time, which is the machine\'s as much as the program\'s.' -rfka 'count time'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof diff"' -l 'watch-function' -d 'Also compare all stacks with a function that this regular expression finds. Repeatable.' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof diff"' -l 'exclude' -d 'Do not test functions that this regular expression finds. Repeatable.' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof diff" max-regression' -l 'max-regression' -d 'The growth of a function that is accepted.' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof diff" min-impact' -l 'min-impact' -d 'The added cost that is accepted, as a part of the whole.' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof diff" max-total-regression' -l 'max-total-regression' -d 'The growth of a whole run that is accepted.' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof diff" alpha' -l 'alpha' -d 'The chance of a false alarm, from 0.000001 to 0.5.' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof diff" event' -l 'event' -d 'Of files with several events, compare this one.' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof diff" same-machine' -l 'same-machine' -d 'Take the machines of both sides to be alike, so that whole runs are compared as well.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof diff" native-frames' -l 'native-frames' -d 'Show the native frames of interpreters as well: CPython\'s loop, and the calls to and from it.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof diff" folded' -l 'folded' -d 'Print folded stacks with two counts, before and after.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof diff" svg' -l 'svg' -d 'Draw both sides as one flame graph: orange is more, blue is less.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof diff" html' -l 'html' -d 'Write a page with the functions by change and the graph.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof diff" json' -l 'json' -d 'Print the comparison as one JSON object.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof diff" fail' -l 'fail' -d 'End with status 1 where \'check\' would.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof diff" o output' -l 'output' -s 'o' -d 'Write to this file; \'-\' is standard output.' -rF
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof diff" db' -l 'db' -d 'Use this task database (default: SWPROF_DB, else root\'s or the user\'s own).' -rF
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof diff" color' -l 'color' -d 'Color the result: auto (on a terminal, unless NO_COLOR is set), always or never.' -rfka 'auto always never'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof diff" no-color' -l 'no-color' -d 'The same as \'--color never\'.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof diff" q quiet' -l 'quiet' -s 'q' -d 'Say nothing but the result and errors: no progress, notes or warnings.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof diff" v verbose' -l 'verbose' -s 'v' -d 'Say what swprof does, and where it keeps things.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof diff" version' -l 'version' -d 'Show the version.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof diff" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof check"' -l 'baseline' -d 'A run before the change: a task, or a file. Repeatable.' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof check"' -l 'candidate' -d 'A run after the change: a task, or a file. Repeatable.' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof check" baseline-command' -l 'baseline-command' -d 'The program before the change with its arguments, run by turns with the one after \'--\', and as that one without a shell.' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof check" runs' -l 'runs' -d 'How many runs of each command; \'auto\' for as many as the verdict takes, up to --max-runs.' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof check" max-runs' -l 'max-runs' -d 'How many runs of each command \'--runs auto\' makes at most.' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof check" freq' -l 'freq' -d 'Samples a second and CPU, on average.' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof check" no-jitter' -l 'no-jitter' -d 'Sample at equal distances. A program that works in step with them shows wrong shares; by default, distances are random.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof check" work' -l 'work' -d 'How much work a run of each side did: N, or BASE,NEW. Default 1.' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof check" scope' -l 'scope' -d 'What is compared: function or module.' -rfka 'function module'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof check" weight' -l 'weight' -d 'What off-CPU stacks are weighed by: count (of waits), or time, which is the machine\'s as much as the program\'s.' -rfka 'count time'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof check"' -l 'watch-function' -d 'Also compare all stacks with a function that this regular expression finds. Repeatable.' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof check"' -l 'exclude' -d 'Do not test functions that this regular expression finds. Repeatable.' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof check" max-regression' -l 'max-regression' -d 'The growth of a function that is accepted.' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof check" min-impact' -l 'min-impact' -d 'The added cost that is accepted, as a part of the whole.' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof check" max-total-regression' -l 'max-total-regression' -d 'The growth of a whole run that is accepted.' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof check" alpha' -l 'alpha' -d 'The chance of a false alarm, from 0.000001 to 0.5.' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof check" event' -l 'event' -d 'Of files with several events, compare this one.' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof check" same-machine' -l 'same-machine' -d 'Take the machines of both sides to be alike, so that whole runs are compared as well.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof check" native-frames' -l 'native-frames' -d 'Show the native frames of interpreters as well: CPython\'s loop, and the calls to and from it.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof check" accept' -l 'accept' -d 'Known regressions: lines \'YYYY-MM-DD FUNCTION # REASON\', with the last day that they count.' -rF
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof check" on-inconclusive' -l 'on-inconclusive' -d 'What an inconclusive result does: warn or fail.' -rfka 'warn fail'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof check"' -l 'output' -d 'Write the result as text, json, markdown, junit or github; to standard output, or FORMAT=FILE. Repeatable.' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof check" save' -l 'save' -d 'Keep the runs of the command in this file (.pb.gz).' -rF
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof check" db' -l 'db' -d 'Use this task database (default: SWPROF_DB, else root\'s or the user\'s own).' -rF
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof check" color' -l 'color' -d 'Color the result: auto (on a terminal, unless NO_COLOR is set), always or never.' -rfka 'auto always never'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof check" no-color' -l 'no-color' -d 'The same as \'--color never\'.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof check" q quiet' -l 'quiet' -s 'q' -d 'Say nothing but the result and errors: no progress, notes or warnings.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof check" v verbose' -l 'verbose' -s 'v' -d 'Say what swprof does, and where it keeps things.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof check" version' -l 'version' -d 'Show the version.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof check" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof tasks" version' -l 'version' -d 'Show the version.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof tasks" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_positional "swprof tasks" -eq 1' -fa 'list' -d 'List the tasks, newest first.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_positional "swprof tasks" -eq 1' -fa 'show' -d 'Show everything about a task but its profile.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_positional "swprof tasks" -eq 1' -fa 'rm' -d 'Remove tasks and their profiles.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_positional "swprof tasks" -eq 1' -fa 'prune' -d 'Remove the tasks that started longer ago than a time.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof tasks list" json' -l 'json' -d 'Print one JSON object with all tasks.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof tasks list" json-lines' -l 'json-lines' -d 'Print a JSON object for each task, one a line.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof tasks list" db' -l 'db' -d 'Use this task database (default: SWPROF_DB, else root\'s or the user\'s own).' -rF
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof tasks list" q quiet' -l 'quiet' -s 'q' -d 'Say nothing but the result and errors: no progress, notes or warnings.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof tasks list" v verbose' -l 'verbose' -s 'v' -d 'Say what swprof does, and where it keeps things.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof tasks list" version' -l 'version' -d 'Show the version.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof tasks list" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_positional "swprof tasks show" -eq 1' -fka '(__swprof_custom_completion ---completion tasks show -- positional@0 (count (__swprof_tokens -pc)) (__swprof_tokens -tC))'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof tasks show" json' -l 'json' -d 'Print a JSON object.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof tasks show" db' -l 'db' -d 'Use this task database (default: SWPROF_DB, else root\'s or the user\'s own).' -rF
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof tasks show" version' -l 'version' -d 'Show the version.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof tasks show" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_positional "swprof tasks rm" -ge 1' -fka '(__swprof_custom_completion ---completion tasks rm -- positional@0 (count (__swprof_tokens -pc)) (__swprof_tokens -tC))'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof tasks rm" db' -l 'db' -d 'Use this task database (default: SWPROF_DB, else root\'s or the user\'s own).' -rF
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof tasks rm" version' -l 'version' -d 'Show the version.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof tasks rm" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof tasks prune" older-than' -l 'older-than' -d 'How old a task must be: 10m, 48h.' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof tasks prune" db' -l 'db' -d 'Use this task database (default: SWPROF_DB, else root\'s or the user\'s own).' -rF
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof tasks prune" version' -l 'version' -d 'Show the version.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof tasks prune" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof doctor" pid' -l 'pid' -d 'Look at this process\'s modules.' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof doctor" json' -l 'json' -d 'Print a JSON object.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof doctor" version' -l 'version' -d 'Show the version.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof doctor" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof help" version' -l 'version' -d 'Show the version.'
