// Calls of nats.go's package jetstream for streams, publishing and buckets: `clients PORT`. Prints a JSON array with one line for each call:
// what it returned, or its error with the codes of the API. The lines of our server are compared with those of nats-server.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const asyncMessages = 10_000

// Steps run in order on one connection. `lines` are their results.
type steps struct {
	ctx   context.Context
	js    jetstream.JetStream
	lines []string
}

// Appends the result of a call under its sentence.
func (s *steps) add(sentence string, value any, err error) {
	if err != nil {
		s.lines = append(s.lines, sentence+": "+errorText(err))
		return
	}
	text, jsonErr := json.Marshal(value)
	if jsonErr != nil {
		panic(jsonErr)
	}
	s.lines = append(s.lines, sentence+": "+string(text))
}

func errorText(err error) string {
	var api *jetstream.APIError
	if errors.As(err, &api) {
		return fmt.Sprintf("error %d/%d: %s", api.Code, api.ErrorCode, err)
	}
	return "error: " + err.Error()
}

func (s *steps) streams() jetstream.Stream {
	config := jetstream.StreamConfig{Name: "ORDERS", Subjects: []string{"orders.>"}, MaxMsgs: 100_000, AllowDirect: true}
	stream, err := s.js.CreateStream(s.ctx, config)
	if err != nil {
		panic(err)
	}
	s.add("create", stream.CachedInfo(), nil)
	config.Description = "changed"
	_, err = s.js.CreateStream(s.ctx, config)
	s.add("create with another configuration", nil, err)
	info, err := s.js.UpdateStream(s.ctx, config)
	s.add("update", infoOf(info), err)
	info, err = s.js.CreateOrUpdateStream(s.ctx, jetstream.StreamConfig{Name: "MEMORY", Subjects: []string{"memory.*"}, Storage: jetstream.MemoryStorage})
	s.add("create or update", infoOf(info), err)
	_, err = s.js.UpdateStream(s.ctx, jetstream.StreamConfig{Name: "NONE"})
	s.add("update no stream", nil, err)
	_, err = s.js.CreateStream(s.ctx, jetstream.StreamConfig{Name: "OVERLAP", Subjects: []string{"orders.a"}})
	s.add("create with an overlapping subject", nil, err)
	_, err = s.js.CreateStream(s.ctx, jetstream.StreamConfig{Name: "a.b"})
	s.add("create with a bad name", nil, err)
	_, err = s.js.CreateStream(s.ctx, jetstream.StreamConfig{Name: "THREE", Replicas: 3})
	s.add("create with replicas", nil, err)
	info, err = s.js.CreateStream(s.ctx, jetstream.StreamConfig{
		Name: "OPTIONS", Description: "options", Subjects: []string{"a.*", "b.>"}, Retention: jetstream.WorkQueuePolicy,
		MaxConsumers: 5, MaxMsgs: 1_000, MaxBytes: 1 << 20, Discard: jetstream.DiscardNew, DiscardNewPerSubject: true, MaxAge: time.Hour,
		MaxMsgsPerSubject: 10, MaxMsgSize: 1_024, Duplicates: time.Minute, DenyDelete: true, AllowRollup: true, Compression: jetstream.S2Compression,
		FirstSeq: 50, SubjectTransform: &jetstream.SubjectTransformConfig{Source: "b.>", Destination: "c.>"},
		RePublish:      &jetstream.RePublish{Source: "a.*", Destination: "again.{{wildcard(1)}}", HeadersOnly: true},
		AllowDirect:    true,
		ConsumerLimits: jetstream.StreamConsumerLimits{InactiveThreshold: time.Minute, MaxAckPending: 10},
		Metadata:       map[string]string{"owner": "tests"}, AllowMsgTTL: true,
	})
	s.add("create with every option", infoOf(info), err)
	return stream
}

func infoOf(stream jetstream.Stream) any {
	if stream == nil {
		return nil
	}
	return stream.CachedInfo()
}

func (s *steps) lookUps() {
	name, err := s.js.StreamNameBySubject(s.ctx, "orders.new")
	s.add("name by subject", name, err)
	_, err = s.js.StreamNameBySubject(s.ctx, "unused")
	s.add("name by an unused subject", nil, err)
	_, err = s.js.Stream(s.ctx, "NONE")
	s.add("no stream", nil, err)
	names := []string{}
	lister := s.js.StreamNames(s.ctx)
	for name := range lister.Name() {
		names = append(names, name)
	}
	s.add("names", names, lister.Err())
	infos := []string{}
	list := s.js.ListStreams(s.ctx, jetstream.WithStreamListSubject("orders.*"))
	for info := range list.Info() {
		infos = append(infos, info.Config.Name)
	}
	s.add("list by subject", infos, list.Err())
	account, err := s.js.AccountInfo(s.ctx)
	s.add("account", account, err)
}

func (s *steps) publishing() {
	publish := func(sentence, subject, payload string, options ...jetstream.PublishOpt) {
		ack, err := s.js.Publish(s.ctx, subject, []byte(payload), options...)
		s.add(sentence, ack, err)
	}
	publish("publish", "orders.new", "first")
	publish("publish with an id", "orders.new", "second", jetstream.WithMsgID("1"))
	publish("publish with the same id", "orders.new", "second", jetstream.WithMsgID("1"))
	publish("expect the last id", "orders.new", "third", jetstream.WithMsgID("2"), jetstream.WithExpectLastMsgID("1"))
	publish("expect another last id", "orders.new", "x", jetstream.WithExpectLastMsgID("1"))
	publish("expect the stream", "orders.old", "fourth", jetstream.WithExpectStream("ORDERS"))
	publish("expect another stream", "orders.old", "x", jetstream.WithExpectStream("OTHER"))
	publish("expect the last sequence", "orders.old", "fifth", jetstream.WithExpectLastSequence(4))
	publish("expect an old sequence", "orders.old", "x", jetstream.WithExpectLastSequence(1))
	publish("expect the last sequence of the subject", "orders.old", "sixth", jetstream.WithExpectLastSequencePerSubject(5))
	publish("expect an old sequence of the subject", "orders.old", "x", jetstream.WithExpectLastSequencePerSubject(5))
	publish("expect the last sequence of a filter", "orders.old", "seventh", jetstream.WithExpectLastSequenceForSubject(6, "orders.*"))
	publish("expect the last sequence of another subject", "orders.old", "eighth", jetstream.WithExpectLastSequenceForSubject(3, "orders.new"))
	publish("a time to live", "a.x", "brief", jetstream.WithMsgTTL(time.Hour))
	publish("a time to live where none is allowed", "orders.new", "x", jetstream.WithMsgTTL(time.Hour))
	publish("into the transformed stream", "b.x", "moved")
	message := nats.NewMsg("orders.headers")
	message.Header.Add("Kind", "a")
	message.Header.Add("Kind", "b")
	message.Data = []byte("headers")
	ack, err := s.js.PublishMsg(s.ctx, message)
	s.add("publish with headers", ack, err)
	_, err = s.js.Publish(s.ctx, "nowhere", nil, jetstream.WithRetryAttempts(1))
	s.add("publish to no stream", nil, err)
}

func (s *steps) publishAsync() {
	for index := range asyncMessages {
		if _, err := s.js.PublishAsync(fmt.Sprintf("memory.%d", index%10), []byte("asynchronous")); err != nil {
			s.add("publish asynchronously", nil, err)
			return
		}
	}
	select {
	case <-s.js.PublishAsyncComplete():
	case <-s.ctx.Done():
		panic("the asynchronous messages were not acknowledged")
	}
	stream, err := s.js.Stream(s.ctx, "MEMORY")
	if err != nil {
		panic(err)
	}
	info, err := stream.Info(s.ctx, jetstream.WithSubjectFilter("memory.>"))
	s.add("publish asynchronously", info.State, err)
}

func (s *steps) messages(stream jetstream.Stream) {
	get := func(sentence string, sequence uint64, options ...jetstream.GetMsgOpt) {
		message, err := stream.GetMsg(s.ctx, sequence, options...)
		s.add(sentence, message, err)
	}
	get("get", 2)
	get("get a message with headers", 9)
	get("get the next of a subject", 3, jetstream.WithGetMsgSubject("orders.old"))
	get("get a message after the last", 99)
	last, err := stream.GetLastMsgForSubject(s.ctx, "orders.new")
	s.add("last of a subject", last, err)
	_, err = stream.GetLastMsgForSubject(s.ctx, "orders.none")
	s.add("last of an unused subject", nil, err)
	s.add("delete", nil, stream.DeleteMsg(s.ctx, 2))
	s.add("delete again", nil, stream.DeleteMsg(s.ctx, 2))
	s.add("delete and erase", nil, stream.SecureDeleteMsg(s.ctx, 3))
	get("get a deleted message", 2)
	info, err := stream.Info(s.ctx, jetstream.WithDeletedDetails(true), jetstream.WithSubjectFilter("orders.>"))
	s.add("info", info, err)

	s.add("purge a subject", nil, stream.Purge(s.ctx, jetstream.WithPurgeSubject("orders.headers")))
	s.add("purge to a sequence", nil, stream.Purge(s.ctx, jetstream.WithPurgeSequence(5)))
	s.add("purge all but one", nil, stream.Purge(s.ctx, jetstream.WithPurgeSubject("orders.old"), jetstream.WithPurgeKeep(1)))
	s.add("purge with both", nil, stream.Purge(s.ctx, jetstream.WithPurgeSequence(5), jetstream.WithPurgeKeep(1)))
	info, err = stream.Info(s.ctx)
	s.add("info after purges", info, err)
	s.add("purge", nil, stream.Purge(s.ctx))
	s.add("delete a stream", nil, s.js.DeleteStream(s.ctx, "MEMORY"))
	s.add("delete it again", nil, s.js.DeleteStream(s.ctx, "MEMORY"))
	_, err = s.js.Consumer(s.ctx, "MEMORY", "C")
	s.add("a consumer of no stream", nil, err)
	_, err = stream.Consumer(s.ctx, "C")
	s.add("no consumer", nil, err)
}

type entry struct {
	Key, Value, Operation string
	Revision              uint64
}

func entryOf(found jetstream.KeyValueEntry) any {
	if found == nil {
		return nil
	}
	return entry{found.Key(), string(found.Value()), found.Operation().String(), found.Revision()}
}

func (s *steps) buckets() {
	bucket, err := s.js.CreateKeyValue(s.ctx, jetstream.KeyValueConfig{
		Bucket: "CONFIG", Description: "a bucket", History: 5, TTL: time.Hour, MaxValueSize: 100, MaxBytes: 1 << 20, Compression: true,
		LimitMarkerTTL: time.Minute, Metadata: map[string]string{"owner": "tests"},
		RePublish: &jetstream.RePublish{Source: ">", Destination: "copy.>"},
	})
	if err != nil {
		panic(err)
	}
	_, err = s.js.CreateKeyValue(s.ctx, jetstream.KeyValueConfig{Bucket: "CONFIG", History: 6})
	s.add("create a bucket again", nil, err)
	_, err = s.js.KeyValue(s.ctx, "NONE")
	s.add("no bucket", nil, err)
	_, err = s.js.UpdateKeyValue(s.ctx, jetstream.KeyValueConfig{Bucket: "NONE"})
	s.add("update no bucket", nil, err)
	get := func(sentence, key string) {
		found, err := bucket.Get(s.ctx, key)
		s.add(sentence, entryOf(found), err)
	}
	write := func(sentence string, call func() (uint64, error)) {
		revision, err := call()
		s.add(sentence, revision, err)
	}
	write("create a key", func() (uint64, error) { return bucket.Create(s.ctx, "name", []byte("one")) })
	write("create it again", func() (uint64, error) { return bucket.Create(s.ctx, "name", []byte("two")) })
	write("put", func() (uint64, error) { return bucket.PutString(s.ctx, "name", "three") })
	get("get", "name")
	get("get an unknown key", "unknown")
	found, err := bucket.GetRevision(s.ctx, "name", 1)
	s.add("get a revision", entryOf(found), err)
	found, err = bucket.GetRevision(s.ctx, "other", 1)
	s.add("get a revision of another key", entryOf(found), err)
	write("update", func() (uint64, error) { return bucket.Update(s.ctx, "name", []byte("four"), 2) })
	write("update an old revision", func() (uint64, error) { return bucket.Update(s.ctx, "name", []byte("five"), 2) })
	write("put too large", func() (uint64, error) { return bucket.Put(s.ctx, "name", make([]byte, 200)) })
	write("put a bad key", func() (uint64, error) { return bucket.PutString(s.ctx, "bad key", "x") })
	s.add("delete an old revision", nil, bucket.Delete(s.ctx, "name", jetstream.LastRevision(1)))
	s.add("delete", nil, bucket.Delete(s.ctx, "name"))
	get("get a deleted key", "name")
	write("create a deleted key", func() (uint64, error) { return bucket.Create(s.ctx, "name", []byte("again")) })
	s.add("purge", nil, bucket.Purge(s.ctx, "name"))
	get("get a purged key", "name")
	write("create a key with a time to live", func() (uint64, error) {
		return bucket.Create(s.ctx, "brief", []byte("x"), jetstream.KeyTTL(time.Hour))
	})
	s.add("purge with a time to live", nil, bucket.Purge(s.ctx, "brief", jetstream.PurgeTTL(time.Hour)))
	status, err := bucket.Status(s.ctx)
	s.add("status", status.(*jetstream.KeyValueBucketStatus).StreamInfo(), err)
	s.add("limits of the status", []any{status.Bucket(), status.Values(), status.History(), status.TTL(), status.BackingStore(),
		status.Bytes(), status.IsCompressed(), status.LimitMarkerTTL(), status.Metadata()["owner"]}, nil)
	_, err = s.js.CreateOrUpdateKeyValue(s.ctx, jetstream.KeyValueConfig{Bucket: "MEMORY", Storage: jetstream.MemoryStorage})
	s.add("create or update a bucket", nil, err)
	names := []string{}
	lister := s.js.KeyValueStoreNames(s.ctx)
	for name := range lister.Name() {
		names = append(names, name)
	}
	s.add("names of buckets", names, lister.Error())
	s.add("delete a bucket", nil, s.js.DeleteKeyValue(s.ctx, "CONFIG"))
	s.add("delete it again", nil, s.js.DeleteKeyValue(s.ctx, "CONFIG"))
	get("get from a deleted bucket", "name")
}

func main() {
	connection, err := nats.Connect("127.0.0.1:"+os.Args[1], nats.UserInfo("A0", "A0"), nats.NoReconnect())
	if err != nil {
		panic(err)
	}
	defer connection.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	js, err := jetstream.New(connection, jetstream.WithPublishAsyncMaxPending(1_000))
	if err != nil {
		panic(err)
	}
	run := &steps{ctx: ctx, js: js}
	stream := run.streams()
	run.publishing()
	run.lookUps()
	run.publishAsync()
	run.messages(stream)
	run.buckets()
	if err := json.NewEncoder(os.Stdout).Encode(run.lines); err != nil {
		panic(err)
	}
}
