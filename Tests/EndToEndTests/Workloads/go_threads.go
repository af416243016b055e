// Four goroutines wait for a fifth, which sleeps between what it sends: most threads are in the scheduler.
package main

import (
	"fmt"
	"time"
)

func work(jobs chan int, sums chan int) {
	sum := 0
	for job := range jobs {
		for i := 0; i < job; i++ {
			sum += i
		}
	}
	sums <- sum
}

func main() {
	jobs, sums := make(chan int), make(chan int)
	for i := 0; i < 4; i++ {
		go work(jobs, sums)
	}
	fmt.Println("ready")
	for {
		jobs <- 10000
		time.Sleep(200 * time.Microsecond)
	}
}
