// SPDX-License-Identifier: GPL-2.0-or-later

// Load for a server:
//
//	load URL CLIENTS
//
// waits until URL answers, says "up", and asks for it with so many clients until stdin
// ends.
package main

import (
	"fmt"
	"io"
	"io/ioutil"
	"net/http"
	"os"
	"strconv"
	"time"
)

func get(client *http.Client, url string) error {
	response, err := client.Get(url)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, response.Status)
	}
	_, err = io.Copy(ioutil.Discard, response.Body)
	return err
}

func waitFor(client *http.Client, url string) {
	var err error
	for start := time.Now(); time.Since(start) < 30*time.Second; time.Sleep(100 * time.Millisecond) {
		if err = get(client, url); err == nil {
			return
		}
	}
	fmt.Fprintln(os.Stderr, "load:", err)
	os.Exit(1)
}

func main() {
	client := &http.Client{Timeout: 10 * time.Second}
	url := os.Args[1]
	clients, err := strconv.Atoi(os.Args[2])
	if err != nil {
		panic(err)
	}
	waitFor(client, url)
	fmt.Println("up")
	for i := 0; i < clients; i++ {
		go func() {
			for {
				if err := get(client, url); err != nil {
					fmt.Fprintln(os.Stderr, "load:", err)
				}
			}
		}()
	}
	io.Copy(ioutil.Discard, os.Stdin)
}
