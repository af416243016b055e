// An HTTPS server of Go, which speaks HTTP/2 too. Usage: https_go CERTIFICATE KEY.
// Prints "ready" and its port, and a line with method, path and protocol for each request.
package main

import (
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
)

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Println(r.Method, r.URL.Path, r.Proto)
		fmt.Fprintln(w, "hello world")
	})
	fmt.Println("ready", listener.Addr().(*net.TCPAddr).Port)
	log.Fatal(http.ServeTLS(listener, nil, os.Args[1], os.Args[2]))
}
