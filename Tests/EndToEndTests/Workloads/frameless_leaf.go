// main calls outer, outer calls viaOne and viaTwo, both call leaf, which takes all the time: a third of it in viaOne's
// calls. leaf has no frame: no locals on the stack, no calls.
package main

import "fmt"

//go:noinline
func leaf(n int, x uint64) uint64 {
	for i := 0; i < n; i++ {
		x = x*6364136223846793005 + 1442695040888963407
	}
	return x
}

//go:noinline
func viaOne(x uint64) uint64 { return leaf(20000, x) + 1 }

//go:noinline
func viaTwo(x uint64) uint64 { return leaf(40000, x) + 2 }

//go:noinline
func outer(x uint64) uint64 { return viaTwo(viaOne(x)) + 3 }

func main() {
	fmt.Println("ready")
	for x := uint64(1); ; {
		x = outer(x)
	}
}
