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
            __swprof_parse_subcommand -r 1 'freq=' 'pid=' 'comm=' 'cgroup=' 'all' 'include-children' 'no-include-children' 'duration=' 'user' 'kernel' 'unwind=' 'folded' 'svg' 'json' 'speedscope' 'top' 'by=' 'per-thread' 'lines' 'o/output=' 'db=' 'no-store' 'note=' 'version' 'h/help'
        case 'offcpu'
            __swprof_parse_subcommand -r 1 'min-block=' 'max-block=' 'phase=+' 'state=' 'wakers' 'kernel-threads' 'pid=' 'comm=' 'cgroup=' 'all' 'include-children' 'no-include-children' 'duration=' 'user' 'kernel' 'unwind=' 'folded' 'svg' 'json' 'speedscope' 'top' 'by=' 'per-thread' 'lines' 'o/output=' 'db=' 'no-store' 'note=' 'version' 'h/help'
        case 'report'
            __swprof_parse_subcommand -r 1 'thread=' 'focus=' 'ignore=' 'user' 'kernel' 'root=' 'inverted' 'reverse' 'min-share=' 'title=' 'folded' 'svg' 'json' 'speedscope' 'top' 'by=' 'per-thread' 'lines' 'o/output=' 'db=' 'version' 'h/help'
        case 'tasks'
            __swprof_parse_subcommand 0 'version' 'h/help'
            switch $unparsed_tokens[1]
            case 'list'
                __swprof_parse_subcommand 0 'json' 'db=' 'version' 'h/help'
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
complete -c 'swprof' -n '__swprof_should_offer_completions_for_positional "swprof" -eq 1' -fa 'report' -d 'Print or draw a stored task.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_positional "swprof" -eq 1' -fa 'tasks' -d 'List, show and remove stored tasks.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_positional "swprof" -eq 1' -fa 'doctor' -d 'Say what this machine allows, and what it means.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_positional "swprof" -eq 1' -fa 'help' -d 'Show subcommand help information.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof oncpu" freq' -l 'freq' -d 'Samples a second and CPU.' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof oncpu" pid' -l 'pid' -d 'Profile these processes.' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof oncpu" comm' -l 'comm' -d 'Profile every process of this name.' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof oncpu" cgroup' -l 'cgroup' -d 'Profile the members of this control group.' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof oncpu" all' -l 'all' -d 'Profile everything that runs.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof oncpu" include-children' -l 'include-children' -d 'Follow the children that the targets start.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof oncpu" no-include-children' -l 'no-include-children' -d 'Follow the children that the targets start.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof oncpu" duration' -l 'duration' -d 'How long: 500ms, 10s, 10m. Default 30s; with a command, until it ends.' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof oncpu" user' -l 'user' -d 'Record user stacks only.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof oncpu" kernel' -l 'kernel' -d 'Record kernel stacks only.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof oncpu" unwind' -l 'unwind' -d 'How to walk user stacks: dwarf (by the files\' unwind tables), fp (by frame pointers), auto (dwarf if possible).' -rfka 'auto dwarf fp'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof oncpu" folded' -l 'folded' -d 'Print folded stacks: \'comm;root;...;leaf count\'.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof oncpu" svg' -l 'svg' -d 'Draw a flame graph.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof oncpu" json' -l 'json' -d 'Print the task and its profile as one JSON object.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof oncpu" speedscope' -l 'speedscope' -d 'Print a file for speedscope, a profile for each thread.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof oncpu" top' -l 'top' -d 'Print the hottest functions with bars, and the hottest path.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof oncpu" by' -l 'by' -d 'What off-CPU stacks are drawn by: duration (folded: in microseconds) or count.' -rfka 'duration count'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof oncpu" per-thread' -l 'per-thread' -d 'Keep the threads of a process apart.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof oncpu" lines' -l 'lines' -d 'Show the source line of each frame, where debugging information has it.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof oncpu" o output' -l 'output' -s 'o' -d 'Write to this file; \'-\' is standard output.' -rF
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof oncpu" db' -l 'db' -d 'Use this task database (default: SWPROF_DB, else the system\'s).' -rF
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof oncpu" no-store' -l 'no-store' -d 'Do not store the task.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof oncpu" note' -l 'note' -d 'A remark to keep with the task.' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof oncpu" version' -l 'version' -d 'Show the version.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof oncpu" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof offcpu" min-block' -l 'min-block' -d 'Record waits of this length or more: 1us, 10ms, 0.' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof offcpu" max-block' -l 'max-block' -d 'Record waits of this length or less.' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof offcpu"' -l 'phase' -d 'Record this: blocked (until woken), runqueue (from then on), preempted, yielded, or all. Can be repeated.' -rfka 'blocked runqueue preempted yielded all'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof offcpu" state' -l 'state' -d 'Record waits in these states, as ps(1) writes them: S, D, T, t, I, P; several as D,S.' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof offcpu" wakers' -l 'wakers' -d 'Record who ended each wait, and draw its stack above the sleeper\'s.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof offcpu" kernel-threads' -l 'kernel-threads' -d 'With --all: record the kernel\'s own threads too.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof offcpu" pid' -l 'pid' -d 'Profile these processes.' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof offcpu" comm' -l 'comm' -d 'Profile every process of this name.' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof offcpu" cgroup' -l 'cgroup' -d 'Profile the members of this control group.' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof offcpu" all' -l 'all' -d 'Profile everything that runs.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof offcpu" include-children' -l 'include-children' -d 'Follow the children that the targets start.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof offcpu" no-include-children' -l 'no-include-children' -d 'Follow the children that the targets start.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof offcpu" duration' -l 'duration' -d 'How long: 500ms, 10s, 10m. Default 30s; with a command, until it ends.' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof offcpu" user' -l 'user' -d 'Record user stacks only.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof offcpu" kernel' -l 'kernel' -d 'Record kernel stacks only.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof offcpu" unwind' -l 'unwind' -d 'How to walk user stacks: dwarf (by the files\' unwind tables), fp (by frame pointers), auto (dwarf if possible).' -rfka 'auto dwarf fp'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof offcpu" folded' -l 'folded' -d 'Print folded stacks: \'comm;root;...;leaf count\'.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof offcpu" svg' -l 'svg' -d 'Draw a flame graph.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof offcpu" json' -l 'json' -d 'Print the task and its profile as one JSON object.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof offcpu" speedscope' -l 'speedscope' -d 'Print a file for speedscope, a profile for each thread.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof offcpu" top' -l 'top' -d 'Print the hottest functions with bars, and the hottest path.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof offcpu" by' -l 'by' -d 'What off-CPU stacks are drawn by: duration (folded: in microseconds) or count.' -rfka 'duration count'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof offcpu" per-thread' -l 'per-thread' -d 'Keep the threads of a process apart.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof offcpu" lines' -l 'lines' -d 'Show the source line of each frame, where debugging information has it.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof offcpu" o output' -l 'output' -s 'o' -d 'Write to this file; \'-\' is standard output.' -rF
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof offcpu" db' -l 'db' -d 'Use this task database (default: SWPROF_DB, else the system\'s).' -rF
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof offcpu" no-store' -l 'no-store' -d 'Do not store the task.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof offcpu" note' -l 'note' -d 'A remark to keep with the task.' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof offcpu" version' -l 'version' -d 'Show the version.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof offcpu" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof report" thread' -l 'thread' -d 'Only threads of this name or number.' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof report" focus' -l 'focus' -d 'Only stacks with a function that this regular expression finds.' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof report" ignore' -l 'ignore' -d 'No stack with a function that this regular expression finds.' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof report" user' -l 'user' -d 'Only the user part of stacks.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof report" kernel' -l 'kernel' -d 'Only the kernel part of stacks.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof report" root' -l 'root' -d 'What stacks stand on: process, thread or none.' -rfka 'process thread none'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof report" inverted' -l 'inverted' -d 'Draw the root on top.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof report" reverse' -l 'reverse' -d 'Merge stacks from their leaves.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof report" min-share' -l 'min-share' -d 'Leave out of a drawing what has less than this share, in percent.' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof report" title' -l 'title' -d 'The title of a drawing.' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof report" folded' -l 'folded' -d 'Print folded stacks: \'comm;root;...;leaf count\'.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof report" svg' -l 'svg' -d 'Draw a flame graph.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof report" json' -l 'json' -d 'Print the task and its profile as one JSON object.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof report" speedscope' -l 'speedscope' -d 'Print a file for speedscope, a profile for each thread.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof report" top' -l 'top' -d 'Print the hottest functions with bars, and the hottest path.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof report" by' -l 'by' -d 'What off-CPU stacks are drawn by: duration (folded: in microseconds) or count.' -rfka 'duration count'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof report" per-thread' -l 'per-thread' -d 'Keep the threads of a process apart.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof report" lines' -l 'lines' -d 'Show the source line of each frame, where debugging information has it.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof report" o output' -l 'output' -s 'o' -d 'Write to this file; \'-\' is standard output.' -rF
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof report" db' -l 'db' -d 'Use this task database (default: SWPROF_DB, else the system\'s).' -rF
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof report" version' -l 'version' -d 'Show the version.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof report" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof tasks" version' -l 'version' -d 'Show the version.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof tasks" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_positional "swprof tasks" -eq 1' -fa 'list' -d 'List the tasks, newest first.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_positional "swprof tasks" -eq 1' -fa 'show' -d 'Show everything about a task but its profile.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_positional "swprof tasks" -eq 1' -fa 'rm' -d 'Remove tasks and their profiles.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_positional "swprof tasks" -eq 1' -fa 'prune' -d 'Remove the tasks that started longer ago than a time.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof tasks list" json' -l 'json' -d 'Print a JSON array.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof tasks list" db' -l 'db' -d 'Use this task database (default: SWPROF_DB, else the system\'s).' -rF
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof tasks list" version' -l 'version' -d 'Show the version.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof tasks list" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof tasks show" json' -l 'json' -d 'Print a JSON object.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof tasks show" db' -l 'db' -d 'Use this task database (default: SWPROF_DB, else the system\'s).' -rF
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof tasks show" version' -l 'version' -d 'Show the version.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof tasks show" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof tasks rm" db' -l 'db' -d 'Use this task database (default: SWPROF_DB, else the system\'s).' -rF
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof tasks rm" version' -l 'version' -d 'Show the version.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof tasks rm" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof tasks prune" older-than' -l 'older-than' -d 'How old a task must be: 10m, 48h.' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof tasks prune" db' -l 'db' -d 'Use this task database (default: SWPROF_DB, else the system\'s).' -rF
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof tasks prune" version' -l 'version' -d 'Show the version.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof tasks prune" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof doctor" pid' -l 'pid' -d 'Look at this process\'s modules.' -rfka ''
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof doctor" json' -l 'json' -d 'Print a JSON object; with --pid an array.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof doctor" version' -l 'version' -d 'Show the version.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof doctor" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'swprof' -n '__swprof_should_offer_completions_for_flags_or_options "swprof help" version' -l 'version' -d 'Show the version.'
