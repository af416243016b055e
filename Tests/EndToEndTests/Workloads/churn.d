/*
 * Truth: main calls outer, which calls churn of a template's instance, which does nearly all the work.
 * Usage: churn. Prints "ready"; ends by itself after 120 s.
 */
module churn;

import core.stdc.stdio;
import core.sys.posix.unistd;

__gshared ulong sink;

struct Box(T)
{
    T value;

    pragma(inline, false) ulong churn(ulong count)
    {
        foreach (i; 0 .. count)
            sink += i ^ (i >> 3);
        return sink + 1;
    }
}

pragma(inline, false) ulong outer(ulong count)
{
    Box!int box;
    return box.churn(count) + 1;
}

void main()
{
    alarm(120);
    puts("ready");
    fflush(stdout);
    while (true)
        outer(1_000_000);
}
