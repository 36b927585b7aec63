package thumbnail

// Settle is how long a picture that comes may wait until it is written.
const Settle = batchFor
