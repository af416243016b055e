// A server of Go's own library. Says "ready" and its port.
package main

import (
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
)

func answer(writer http.ResponseWriter, request *http.Request) {
	io.Copy(io.Discard, request.Body)
	switch request.URL.Path {
	case "/rows":
		for row := 0; row < 600; row++ {
			fmt.Fprintf(writer, "row %d\n", row)
			if row%20 == 0 {
				writer.(http.Flusher).Flush()
			}
		}
	case "/packed":
		writer.Header().Set("Content-Encoding", "gzip")
		packed := gzip.NewWriter(writer)
		for row := 0; row < 3000; row++ {
			fmt.Fprintf(packed, "row %d\n", row)
		}
		packed.Close()
	case "/large":
		writer.Write(make([]byte, 300000))
	case "/missing":
		http.Error(writer, "no such thing", 404)
	case "/broken":
		http.Error(writer, "broken", 500)
	case "/empty":
		writer.WriteHeader(204)
	default:
		io.WriteString(writer, "ok")
	}
}

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println("ready", listener.Addr().(*net.TCPAddr).Port)
	panic(http.Serve(listener, http.HandlerFunc(answer)))
}
