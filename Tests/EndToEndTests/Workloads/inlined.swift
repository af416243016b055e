// Truth: `run` has `Mixer.round` inlined, which has `Mixer.mix` inlined.
// Usage: inlined. Prints "ready"; ends by itself after 120 s. The lines are named by the test.
import Glibc

struct Mixer {
  @inline(__always) func mix(_ x: UInt64) -> UInt64 {
    x &* 6_364_136_223_846_793_005 &+ (x >> 29)  // line: mix
  }

  @inline(__always) func round(_ start: UInt64) -> UInt64 {
    var x = start
    for _ in 0..<100_000 {
      x = mix(x)  // line: call of mix
    }
    return x
  }
}

@inline(never) func run(_ mixer: Mixer, _ x: UInt64) -> UInt64 {
  mixer.round(x) &+ 1  // line: call of round
}

alarm(120)
print("ready")
fflush(stdout)
var x: UInt64 = 1
while true {
  x = run(Mixer(), x)
}
