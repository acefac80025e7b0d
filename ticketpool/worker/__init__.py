"""*Worker side.* A function from bytes to outcomes; knows no Kafka client."""
