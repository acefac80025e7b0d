// Interop writes and reads tickets with Sarama, as a Go service would.
//
//	interop produce BROKERS TOPIC COUNT KEYS   writes tickets, one JSON line about each
//	interop consume BROKERS TOPIC COUNT        reads tickets, one JSON line about each
//
// The lines on standard output tell what Go holds in memory: UnixNano is the
// timestamp, exact, whatever its text on the wire.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/IBM/sarama"
)

// Ticket is the struct that the contract with users names.
type Ticket struct {
	ID        string    `json:"id"`
	Timestamp time.Time `json:"timestamp"`
	OrderID   int64     `json:"order_id"`
	Data      string    `json:"data"`
}

// Line is one line of output.
type Line struct {
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
	Key       string `json:"key"`
	ID        string `json:"id"`
	UnixNano  int64  `json:"unix_nano"`
	OrderID   int64  `json:"order_id"`
	Data      string `json:"data"`
}

func main() {
	if len(os.Args) < 5 {
		log.Fatal("usage: interop produce|consume BROKERS TOPIC COUNT [KEYS]")
	}
	brokers, topic, count := strings.Split(os.Args[2], ","), os.Args[3], number(os.Args[4])
	switch os.Args[1] {
	case "produce":
		produce(brokers, topic, count, number(os.Args[5]))
	case "consume":
		consume(brokers, topic, count)
	default:
		log.Fatalf("no such command: %s", os.Args[1])
	}
}

func number(text string) int {
	value, err := strconv.Atoi(text)
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func config() *sarama.Config {
	c := sarama.NewConfig()
	c.Version = sarama.V2_8_0_0
	c.Producer.RequiredAcks = sarama.WaitForAll
	c.Producer.Return.Successes = true
	c.Consumer.Offsets.Initial = sarama.OffsetOldest
	return c
}

func produce(brokers []string, topic string, count, keys int) {
	producer, err := sarama.NewSyncProducer(brokers, config())
	check(err)
	for i := 0; i < count; i++ {
		key, ticket := fmt.Sprintf("key-%d", i%keys), sample(i)
		value, err := json.Marshal(ticket)
		check(err)
		message := &sarama.ProducerMessage{
			Topic: topic, Key: sarama.StringEncoder(key), Value: sarama.ByteEncoder(value),
		}
		partition, offset, err := producer.SendMessage(message)
		check(err)
		report(partition, offset, key, ticket)
	}
	check(producer.Close())
}

// sample makes tickets whose timestamps have every number of digits that
// RFC3339Nano writes, in several zones, and texts that Go escapes.
func sample(i int) Ticket {
	zones := []int{0, 2 * 3600, -(3*3600 + 1800)}
	nanos := []int64{0, 1, 499, 500, 501, 999_999_499, 123_456_789, 100_000_000, 999_999_999}
	texts := []string{"", "plain", "<a href=\"x\">&amp;</a>", "zażółć 🎫", "line\nbreak\t\u2028"}
	zone := time.FixedZone("", zones[i%len(zones)])
	return Ticket{
		ID:        fmt.Sprintf("go-%d", i),
		Timestamp: time.Unix(1_700_000_000+int64(i), nanos[i%len(nanos)]).In(zone),
		OrderID:   order(i),
		Data:      texts[i%len(texts)],
	}
}

// order rises strictly, from the least to the greatest 64-bit integer.
func order(i int) int64 {
	edges := []int64{-1 << 63, -1 << 53, -1, 0, 1<<53 + 1}
	if i < len(edges) {
		return edges[i]
	}
	return 1<<63 - 1_000_000 + int64(i)
}

func consume(brokers []string, topic string, count int) {
	consumer, err := sarama.NewConsumer(brokers, config())
	check(err)
	partitions, err := consumer.Partitions(topic)
	check(err)
	messages := make(chan *sarama.ConsumerMessage)
	for _, partition := range partitions {
		one, err := consumer.ConsumePartition(topic, partition, sarama.OffsetOldest)
		check(err)
		go func() {
			for message := range one.Messages() {
				messages <- message
			}
		}()
	}
	for i := 0; i < count; i++ {
		message := <-messages
		var ticket Ticket
		check(json.Unmarshal(message.Value, &ticket))
		report(message.Partition, message.Offset, string(message.Key), ticket)
	}
}

func report(partition int32, offset int64, key string, t Ticket) {
	line := Line{partition, offset, key, t.ID, t.Timestamp.UnixNano(), t.OrderID, t.Data}
	check(json.NewEncoder(os.Stdout).Encode(line))
}
