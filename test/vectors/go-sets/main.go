// Writes sequence sets and timer wheels as nats-server encodes them: `go run . DIRECTORY`, with github.com/nats-io/nats-server/v2 v2.15.3.
// Encodings are raw DEFLATE in base64.
package main

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"github.com/nats-io/nats-server/v2/server/avl"
	"github.com/nats-io/nats-server/v2/server/thw"
	"math"
	"math/rand"
	"os"
	"path/filepath"
)

func pack(b []byte) string {
	var o bytes.Buffer
	w, _ := flate.NewWriter(&o, 9)
	w.Write(b)
	w.Close()
	return base64.StdEncoding.EncodeToString(o.Bytes())
}

type S struct {
	Name    string      `json:"name"`
	Spans   [][2]uint64 `json:"spans"`
	Encoded string      `json:"encoded"`
}
type W struct {
	Name    string      `json:"name"`
	Stamp   uint64      `json:"stamp"`
	Entries [][2]string `json:"entries"`
	Encoded string      `json:"encoded"`
}

func spans(ss *avl.SequenceSet) [][2]uint64 {
	out := [][2]uint64{}
	ss.Range(func(s uint64) bool {
		if n := len(out); n > 0 && out[n-1][1] == s-1 {
			out[n-1][1] = s
		} else {
			out = append(out, [2]uint64{s, s})
		}
		return true
	})
	return out
}
func main() {
	r := rand.New(rand.NewSource(7))
	var sets []S
	add := func(name string, ss *avl.SequenceSet) { sets = append(sets, S{name, spans(ss), pack(ss.Encode(nil))}) }
	var e avl.SequenceSet
	add("empty", &e)
	var one avl.SequenceSet
	one.Insert(1)
	add("one", &one)
	var span avl.SequenceSet
	for i := uint64(1); i <= 10000; i++ {
		span.Insert(i)
	}
	add("span", &span)
	var sc avl.SequenceSet
	for i := 0; i < 120; i++ {
		sc.Insert(uint64(r.Intn(60000)) + 1)
	}
	for i := uint64(1); i < 20000; i++ {
		sc.Delete(i)
	}
	for i := 0; i < 30; i++ {
		sc.Insert(uint64(r.Intn(20000)) + 1)
	}
	add("scattered, with deletes", &sc)
	var hi avl.SequenceSet
	hi.Insert(1<<53 - 1)
	hi.Insert(1<<53 - 5000)
	hi.Insert(3)
	add("up to 2^53 - 1", &hi)
	var un avl.SequenceSet
	un.SetInitialMin(5000)
	for i := uint64(5000); i < 5400; i += 3 {
		un.Insert(i)
	}
	for i := uint64(7040); i < 7060; i++ {
		un.Insert(i)
	}
	add("a base that is not aligned", &un)
	var lad avl.SequenceSet
	for i := uint64(0); i < 100; i++ {
		lad.Insert(i*2048 + i + 1)
	}
	add("a hundred nodes in ascending order", &lad)
	b, _ := json.Marshal(sets)
	os.WriteFile(filepath.Join(os.Args[1], "go-sequence-sets.json"), append(b, 10), 0644)
	var ws []W
	mk := func(name string, stamp uint64, ents [][2]int64) {
		hw := thw.NewHashWheel()
		es := [][2]string{}
		for _, x := range ents {
			hw.Add(uint64(x[0]), x[1])
			es = append(es, [2]string{fmt.Sprint(x[0]), fmt.Sprint(x[1])})
		}
		ws = append(ws, W{name, stamp, es, pack(hw.Encode(stamp))})
	}
	mk("empty", 1, nil)
	mk("one", 18, [][2]int64{{17, 1700000000000000000}})
	var many [][2]int64
	for i := int64(1); i <= 60; i++ {
		many = append(many, [2]int64{i * 3, 1700000000000000000 + r.Int63n(6000)*1e9 + r.Int63n(3)})
	}
	mk("many", 200, many)
	mk("extremes", 1<<53-1, [][2]int64{{1, 0}, {2, -1}, {3, math.MaxInt64}, {4, math.MinInt64}, {1<<53 - 2, 1}})
	b, _ = json.Marshal(ws)
	os.WriteFile(filepath.Join(os.Args[1], "go-expiry-wheels.json"), append(b, 10), 0644)
}
