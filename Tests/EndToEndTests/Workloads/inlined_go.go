/*
 * Truth: nearly all time is in `mix`, which is inlined into `run`, which `main` calls.
 * Usage: inlined_go. Prints "ready"; ends by itself after 120 s.
 */
package main

import (
	"fmt"
	"time"
)

type mixer struct{ state [64]uint64 }

func (m *mixer) mix(x uint64) uint64 {
	x = x*6364136223846793005/(x|1) + m.state[x%64]/(x>>3|1) // line: mix
	return x
}

//go:noinline
func (m *mixer) run(rounds int, x uint64) uint64 {
	for i := 0; i < rounds; i++ {
		x = m.mix(x) // line: call of mix
	}
	return x
}

func main() {
	fmt.Println("ready")
	end := time.Now().Add(120 * time.Second)
	m, x := &mixer{}, uint64(1)
	for time.Now().Before(end) {
		x = m.run(1000000, x) // line: call of run
	}
	fmt.Println(x)
}
