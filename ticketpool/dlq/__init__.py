"""What ``ticketpool dlq`` does with the letters of dead-letter topics."""
