// SPDX-License-Identifier: Apache-2.0

// The workload of bench-cedar through cedar-go.
//
// usage: cedar-peer DIRECTORY
//
// bench-cedar --peers writes the directory; see wasm.mjs. Policies, entities and requests are made ready before; what is timed
// is cedar.Authorize alone.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cedar-policy/cedar-go"
)

const budget = 2 * time.Second

type decision struct {
	Decision string   `json:"decision"`
	Policies []string `json:"policies"`
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func read(dir, name string, to any) {
	text, err := os.ReadFile(filepath.Join(dir, name))
	must(err)
	must(json.Unmarshal(text, to))
}

func differing(set *cedar.PolicySet, entities cedar.EntityMap, requests []cedar.Request, want []decision) int {
	n := 0
	for i, r := range requests {
		allowed, diagnostic := cedar.Authorize(set, entities, r)
		said := "deny"
		if allowed {
			said = "allow"
		}
		var reasons []string
		for _, x := range diagnostic.Reasons {
			reasons = append(reasons, string(x.PolicyID))
		}
		slices.Sort(reasons)
		ours := slices.Clone(want[i].Policies)
		slices.Sort(ours)
		if said != want[i].Decision || !slices.Equal(reasons, ours) {
			n++
		}
	}
	return n
}

func version() string {
	info, _ := debug.ReadBuildInfo()
	for _, d := range info.Deps {
		if d.Path == "github.com/cedar-policy/cedar-go" {
			return d.Version
		}
	}
	return ""
}

func main() {
	dir := os.Args[1]
	var entities cedar.EntityMap
	var requests []cedar.Request
	var ours map[string]float64
	read(dir, "entities.json", &entities)
	read(dir, "requests.json", &requests)
	read(dir, "p50.json", &ours)
	names, err := filepath.Glob(filepath.Join(dir, "*.cedar"))
	must(err)
	var sizes []int
	for _, name := range names {
		n, err := strconv.Atoi(strings.TrimSuffix(filepath.Base(name), ".cedar"))
		must(err)
		sizes = append(sizes, n)
	}
	slices.Sort(sizes)
	fmt.Printf("\ncedar-go %s, cedar.Authorize, ns\n", version())
	fmt.Println("policies           p50        p99   answers that differ from ours")
	for _, n := range sizes {
		text, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("%d.cedar", n)))
		must(err)
		set, err := cedar.NewPolicySetFromBytes("p.cedar", text)
		must(err)
		var want []decision
		read(dir, fmt.Sprintf("%d.decisions", n), &want)
		var samples []time.Duration
		for start := time.Now(); time.Since(start) < budget || len(samples) < len(requests); {
			r := requests[len(samples)%len(requests)]
			before := time.Now()
			cedar.Authorize(set, entities, r)
			samples = append(samples, time.Since(before))
		}
		slices.Sort(samples)
		at := func(p float64) int64 { return samples[int(float64(len(samples)-1)*p)].Nanoseconds() }
		ratio := float64(at(0.5)) / ours[strconv.Itoa(n)]
		fmt.Printf("%8d %13d %10d %7d  %.0f times ours\n", n, at(0.5), at(0.99), differing(set, entities, requests, want), ratio)
	}
}
