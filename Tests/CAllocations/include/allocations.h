// Counts the allocations of each thread, by standing in for the allocator of the C library.
#ifndef ALLOCATIONS_H
#define ALLOCATIONS_H

// Allocations of the calling thread so far; -1 where they cannot be counted.
long allocations_of_this_thread(void);

#endif
