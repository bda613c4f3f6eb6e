// SPDX-License-Identifier: GPL-2.0-or-later

//go:build !go1.24
// +build !go1.24

package main

func makeCleanups() {}
