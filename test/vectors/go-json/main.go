// Writes what Go's encoding/json makes of many texts, right and wrong: `go run main.go > ../go-json.jsonl`.
// The shapes below stand in src/base/go/json-decode.test.ts too.
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"os"
	"strings"
	"time"
	"unicode/utf8"
)

type Placement struct {
	Cluster string   `json:"cluster"`
	Tags    []string `json:"tags,omitempty"`
}

type Source struct {
	Name      string         `json:"name"`
	StartSeq  uint64         `json:"opt_start_seq,omitempty"`
	StartTime *time.Time     `json:"opt_start_time,omitempty"`
	External  *Placement     `json:"external"`
	Weights   map[string]int `json:"weights,omitempty"`
}

type Limits struct {
	MaxAge  time.Duration `json:"max_age"`
	MaxMsgs int64         `json:"max_msgs"`
}

type Config struct {
	Name     string               `json:"name"`
	Subjects []string             `json:"subjects,omitempty"`
	First    uint64               `json:"first_seq,omitempty"`
	Replicas int                  `json:"num_replicas"`
	Size     int32                `json:"max_msg_size,omitempty"`
	Kind     uint8                `json:"kind"`
	Sealed   bool                 `json:"sealed,omitempty"`
	Ratio    float64              `json:"ratio"`
	Place    *Placement           `json:"placement,omitempty"`
	Sources  []*Source            `json:"sources,omitempty"`
	Plain    []Placement          `json:"plain"`
	Metadata map[string]string    `json:"metadata,omitempty"`
	Places   map[string]Placement `json:"places,omitempty"`
	Created  time.Time            `json:"created"`
	Data     []byte               `json:"data,omitempty"`
	Limits
}

type vector struct {
	Mode  string `json:"mode"`
	Text  string `json:"text,omitempty"`
	Bytes string `json:"base64,omitempty"`
	Value string `json:"value,omitempty"`
	Error string `json:"error,omitempty"`
}

func unmarshal(text []byte) (*Config, error) {
	var config Config
	err := json.Unmarshal(text, &config)
	return &config, err
}

// As requests to JetStream are read.
func strict(text []byte) (*Config, error) {
	var config Config
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	for {
		if err := decoder.Decode(&config); err != nil {
			var syntax *json.SyntaxError
			if err == io.EOF {
				return &config, nil
			}
			if errors.As(err, &syntax) {
				err = fmt.Errorf("%w at offset %d", err, syntax.Offset)
			}
			return nil, err
		}
	}
}

var random = rand.New(rand.NewSource(20261130))

func pick(texts ...string) string { return texts[random.Intn(len(texts))] }

func chance(percent int) bool { return random.Intn(100) < percent }

func space() string {
	if chance(90) {
		return ""
	}
	return pick(" ", "\n", "\t", "\r\n  ")
}

func number() string {
	return pick("0", "1", "-1", "7", "255", "256", "-0", "1.5", "1e3", "1E-7", "2147483648", "-2147483649", "9007199254740993",
		"9223372036854775807", "9223372036854775808", "-9223372036854775808", "18446744073709551615", "18446744073709551616", "1e400", "0.1",
		"123456789012345678901234567890", "1e21", "100000000000000000000", "0.000001", "0.0000001")
}

func text() string {
	return pick(`""`, `"a"`, `"eu"`, `"é"`, `"\u00e9\ud83d\ude00"`, `"\ud800"`, `"<&>"`, `"a\nb\u2028\u007f\u0001"`, `"\\\"\/"`, "\"\x7f\"", `"5"`,
		"\"\xff\"", "\"\xe2\x82\"")
}

func moment() string {
	return pick(`"2026-11-30T16:00:00Z"`, `"2026-11-30T16:00:00.123456789+02:00"`, `"2026-11-30T16:00:00.1-08:30"`, `"0001-01-01T00:00:00Z"`,
		`"2026-02-29T00:00:00Z"`, `"2024-02-29T00:00:00.000Z"`, `"2026-13-01T00:00:00Z"`, `"2026-11-31T00:00:00Z"`, `"2026-11-30T24:00:00Z"`,
		`"2026-11-30T23:60:00Z"`, `"2026-11-30T23:59:60Z"`, `"2026-11-30"`, `"2026-11-30T1:00:00Z"`, `"2026-11-30T16:00:00"`, `"yesterday"`, `""`,
		`"2026-11-30T16:00:00Zx"`, `"2026-11-30T16:00:00+25:00"`, `"2026-11-30T16:00:00+01:60"`, `"2026-11-30T16:00:00+01:61"`, `"2026-11-30 16:00:00Z"`, `"2026-11-30T16:00:00,5Z"`,
		`"2026-11-30T16:00:00.Z"`, `"2026-00-30T16:00:00Z"`, `"2026-11-00T16:00:00Z"`, `"26-11-30T16:00:00Z"`, `"1969-12-31T23:59:59.5Z"`,
		`"2026-11-30T16:00:00.1234567891Z"`, `"2026-1-30T16:00:00Z"`, `"2026-11-30T16:00:00z"`, `"2026-11-30T16:00:00+0200"`)
}

func encoded() string {
	return pick(`""`, `"aGk="`, `"aGk"`, `"aGkh"`, `"aGk=="`, `"a"`, `"ab=="`, `"ab="`, `"a-b_"`, `"aG\nk="`, `"====" `, `"aGk=x"`, `"aGkhaGkh\r\n"`, `"é"`,
		`"aGkha"`, `"aGkh="`, `"ab=\n="`, `[1,2,255]`, `[1,256]`, `[]`, `["a"]`)
}

func list(item func() string) string {
	items := make([]string, random.Intn(4))
	for i := range items {
		items[i] = space() + item() + space()
	}
	return "[" + strings.Join(items, ",") + "]"
}

func object(members ...func() string) string {
	parts := make([]string, 0, 4)
	for n := random.Intn(4); n >= 0 && len(members) > 0; n-- {
		parts = append(parts, space()+members[random.Intn(len(members))]()+space())
	}
	if chance(10) {
		return "{}"
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// A member, sometimes by its name in another case, and sometimes with a value of another type.
func member(name string, value func() string) func() string {
	return func() string {
		written := name
		if chance(12) {
			written = strings.ToUpper(name)
		} else if chance(4) {
			written = strings.ReplaceAll(name, "s", "ſ")
		}
		return fmt.Sprintf(`"%s":%s%s`, written, space(), orWrong(value))
	}
}

func orWrong(value func() string) string {
	switch {
	case chance(5):
		return "null"
	case chance(5):
		return pick(`true`, `"text"`, `[]`, `{}`, `[1]`, `{"a":1}`, `12`, `1.5`)
	default:
		return value()
	}
}

func boolean() string { return pick("true", "false") }
func texts() string   { return list(func() string { return orWrong(text) }) }

func placement() string {
	return object(member("cluster", text), member("tags", texts), member("strange", number))
}

func source() string {
	return object(member("name", text), member("opt_start_seq", number), member("opt_start_time", moment), member("external", placement),
		member("weights", func() string { return object(member("a", number), member("b", number)) }))
}

func config() string {
	return object(member("name", text), member("subjects", texts), member("first_seq", number), member("num_replicas", number),
		member("max_msg_size", number), member("kind", number), member("sealed", boolean), member("ratio", number), member("placement", placement),
		member("sources", func() string { return list(func() string { return orWrong(source) }) }),
		member("plain", func() string { return list(func() string { return orWrong(placement) }) }),
		member("metadata", func() string { return object(member("a", text), member("b", text)) }),
		member("places", func() string { return object(member("x", placement), member("y", placement)) }),
		member("created", moment), member("data", encoded), member("max_age", number), member("max_msgs", number),
		member("strange", placement), member("", number))
}

func damaged(text string) string {
	if text == "" {
		return text
	}
	at := random.Intn(len(text))
	switch random.Intn(4) {
	case 0:
		return text[:at]
	case 1:
		return text[:at] + text[at+1:]
	case 2:
		return text[:at] + pick(",", "}", "]", "\"", "x", "\x00", "\\", "-", ".", "e", "\xff", "'", "\x07") + text[at:]
	default:
		return text + pick("x", "}", " {}", "{}", "1", " null", `{"name":"later"}`, "\n", "[]")
	}
}

func main() {
	texts := []string{"", " ", "null", "1", "true", `"a"`, "[]", "{}", "{}{}", "1 2", "nullnull", "truefalse", "tru", "nul", "-", "1.", "1e", "{", "[",
		`{"a`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `"\u12`, `"\x"`, "\"\t\"", "{}x", "01", "1x", `{"name":"a"}{"num_replicas":3}`,
		`{"plain":[{"cluster":"a"},{"cluster":"b"}]}{"plain":[{"tags":["x"]}]}`, `{"name":"a"} {"nam":"b"}`, `{"name":1} x`,
		strings.Repeat("[", 10001), `{"strange":` + strings.Repeat("[", 9999) + strings.Repeat("]", 9999) + "}"}
	for len(texts) < 1500 {
		text := config()
		if chance(25) {
			text = damaged(text)
		}
		texts = append(texts, text)
	}
	vectors := []vector{}
	for i, text := range texts {
		modes := []string{"unmarshal", "strict"}
		if i >= 40 {
			modes = modes[i%2 : i%2+1]
		}
		for _, mode := range modes {
			read := unmarshal
			if mode == "strict" {
				read = strict
			}
			one := vector{Mode: mode}
			if utf8.ValidString(text) {
				one.Text = text
			} else {
				one.Bytes = base64.StdEncoding.EncodeToString([]byte(text))
			}
			value, err := read([]byte(text))
			if err != nil && strings.HasPrefix(err.Error(), "parsing time") && !utf8.ValidString(text) {
				continue // the text shows the bytes that are not UTF-8, which are replaced here
			}
			if err == nil {
				written, failed := json.Marshal(value)
				if failed != nil {
					continue // a year beyond 9999
				}
				one.Value = string(written)
			} else {
				one.Error = err.Error()
			}
			vectors = append(vectors, one)
		}
	}
	to := json.NewEncoder(os.Stdout)
	to.SetEscapeHTML(false)
	for _, one := range vectors {
		if err := to.Encode(one); err != nil {
			panic(err)
		}
	}
}
