// Peer reads tickets with a consumer group of Sarama, as a Go service would.
//
//	peer BROKERS TOPIC COUNT GROUP HANDLER   reads that many, commits, prints one JSON line
//	peer calibrate MICROS                    prints how many turns of spin take that long
//
// As Sarama's own example of a consumer group has it: a goroutine per partition, MarkMessage
// after the handler, offsets committed in the background once a second and at the end. Round
// robin, from the oldest. Fetch sizes and channels are the defaults: larger channels, and larger
// or smaller fetches, were not clearly faster. So are those of the garbage collector.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
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

// Told is the line of output.
type Told struct {
	Tickets int64   `json:"tickets"`
	Seconds float64 `json:"seconds"`
}

func main() {
	switch {
	case len(os.Args) == 3 && os.Args[1] == "calibrate":
		fmt.Println(calibrate(time.Duration(number(os.Args[2])) * time.Microsecond))
	case len(os.Args) == 6:
		peer := &peer{handle: handler(os.Args[5])}
		peer.run(strings.Split(os.Args[1], ","), os.Args[2], number(os.Args[3]), os.Args[4])
	default:
		log.Fatal("usage: peer BROKERS TOPIC COUNT GROUP noop|cpu | peer calibrate MICROS")
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

func handler(name string) func(*Ticket) {
	if name == "noop" {
		return func(*Ticket) {}
	}
	turns := number(os.Getenv("PEERS_LOOPS"))
	return func(*Ticket) { spin(turns) }
}

var sink atomic.Uint64

// spin turns that often; the sum is kept so that the compiler can leave nothing out.
func spin(turns int) {
	total := uint64(1)
	for turn := 0; turn < turns; turn++ {
		total = total*31 + uint64(turn)
	}
	sink.Store(total)
}

// calibrate judges by the shortest of many tries, which nothing interrupted.
func calibrate(wanted time.Duration) int {
	const sample = 50_000
	shortest := time.Hour
	for try := 0; try < 300; try++ {
		began := time.Now()
		spin(sample)
		shortest = min(shortest, time.Since(began))
	}
	return int(sample * wanted.Seconds() / shortest.Seconds())
}

// peer is the handler of the group's session. All partitions count down together.
type peer struct {
	left   atomic.Int64
	first  sync.Once
	began  time.Time
	ended  time.Time
	handle func(*Ticket)
	stop   context.CancelFunc
}

func (p *peer) run(brokers []string, topic string, count int, id string) {
	group, err := sarama.NewConsumerGroup(brokers, id, config())
	check(err)
	ctx, stop := context.WithCancel(context.Background())
	p.left.Store(int64(count))
	p.stop = stop
	for ctx.Err() == nil {
		check(group.Consume(ctx, []string{topic}, p))
	}
	check(group.Close())
	told := Told{int64(count) - p.left.Load(), p.ended.Sub(p.began).Seconds()}
	check(json.NewEncoder(os.Stdout).Encode(told))
}

func config() *sarama.Config {
	c := sarama.NewConfig()
	c.Version = sarama.V3_6_0_0
	c.Consumer.Offsets.Initial = sarama.OffsetOldest
	c.Consumer.Group.Rebalance.GroupStrategies = []sarama.BalanceStrategy{
		sarama.NewBalanceStrategyRoundRobin(),
	}
	return c
}

func (p *peer) Setup(sarama.ConsumerGroupSession) error   { return nil }
func (p *peer) Cleanup(sarama.ConsumerGroupSession) error { return nil }

func (p *peer) ConsumeClaim(s sarama.ConsumerGroupSession, c sarama.ConsumerGroupClaim) error {
	for {
		select {
		case message, ok := <-c.Messages():
			if !ok {
				return nil
			}
			p.take(message)
			s.MarkMessage(message, "")
			p.count()
		case <-s.Context().Done():
			return nil
		}
	}
}

func (p *peer) take(message *sarama.ConsumerMessage) {
	p.first.Do(func() { p.began = time.Now() })
	var ticket Ticket
	check(json.Unmarshal(message.Value, &ticket))
	p.handle(&ticket)
}

// count ends everything behind the last ticket; group.Close then commits.
func (p *peer) count() {
	if p.left.Add(-1) == 0 {
		p.ended = time.Now()
		p.stop()
	}
}
