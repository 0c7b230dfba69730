// Tells the processor that a loop only waits.
#ifndef APUS_PAUSE_H
#define APUS_PAUSE_H

static inline void apus_pause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

#endif
