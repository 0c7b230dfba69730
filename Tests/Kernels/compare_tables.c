// compare_tables A B [SEED]: 0 when both tables give the same bits, 1 when not, 2 when one of them is missing.
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <unistd.h>

#include "compare.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_ASAN 1
#endif
#endif

const apus_kernels *table[2];

static uint64_t state = 1;

uint64_t random_bits(void) {  // SplitMix64
  uint64_t z = state += 0x9e3779b97f4a7c15;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
  z = (z ^ z >> 27) * 0x94d049bb133111eb;
  return z ^ z >> 31;
}

size_t below(size_t count) { return (size_t)(random_bits() % count); }
int one_in(size_t count) { return below(count) == 0; }

void random_floats(float *x, size_t count, int wild) {
  const float strange[] = {NAN,    INFINITY, -INFINITY, 0,     -0.0f,    3e38f,   -3e38f,
                           1e-40f, -1e-40f,  1e20f,     -1e20f, 65504.0f, 1e-30f, 1e-12f};
  for (size_t i = 0; i < count; i++) {
    uint64_t r = random_bits();
    float sum = (float)(r & 0xfffff) + (float)(r >> 20 & 0xfffff) + (float)(r >> 40 & 0xfffff);
    x[i] = (sum * 0x1p-20f - 1.5f) * 2;
    if (wild && one_in(12)) x[i] = strange[below(sizeof strange / sizeof *strange)];
  }
}

void random_bytes(void *memory, size_t count) {
  for (size_t i = 0; i < count; i++) ((uint8_t *)memory)[i] = (uint8_t)(random_bits() >> 24);
}

enum { MOST_BLOCKS = 64 };
static struct {
  void *memory, *start;
  size_t size;
} blocks[MOST_BLOCKS];
static size_t block_count;

void *get(size_t bytes) {
  if (block_count == MOST_BLOCKS) abort();
#ifdef HAS_ASAN
  void *memory = malloc(bytes), *start = memory;
  size_t size = bytes;
  if (!memory) abort();
#else
  // The last page is closed; what lies before the block has a mark.
  size_t page = (size_t)sysconf(_SC_PAGESIZE), size = (bytes + 64 + page - 1) / page * page + page;
  uint8_t *memory = mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED || mprotect(memory + size - page, page, PROT_NONE) != 0) abort();
  uint8_t *start = memory + size - page - bytes;
  memset(start - 64, 0xa5, 64);
#endif
  memset(start, (int)below(256), bytes);  // what is never written differs
  blocks[block_count].memory = memory;
  blocks[block_count].start = start;
  blocks[block_count++].size = size;
  return start;
}

float *get_floats(size_t count) { return get(count * sizeof(float)); }

static const char *name = "";
static char context[256];
static size_t compared, problems, failures;

static void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void fail(const char *format, ...) {
  if (failures++ >= 20) return;
  va_list arguments;
  va_start(arguments, format);
  fprintf(stderr, "%s: ", name);
  vfprintf(stderr, format, arguments);
  fprintf(stderr, " (%s)\n", context);
  va_end(arguments);
}

void give_back(void) {
  for (size_t i = 0; i < block_count; i++) {
#ifdef HAS_ASAN
    free(blocks[i].memory);
#else
    const uint8_t *start = blocks[i].start;
    for (size_t j = 1; j <= 64; j++)
      if (start[-(ptrdiff_t)j] != 0xa5) fail("wrote %zu bytes before a block", j);
    munmap(blocks[i].memory, blocks[i].size);
#endif
  }
  block_count = 0;
}

static void close_function(void) {
  if (*name) printf("%-14s %5zu problems, %zu numbers\n", name, problems, compared);
  problems = compared = 0;
}

void function(const char *next) {
  close_function();
  name = next;
}

void problem(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(context, sizeof context, format, arguments);
  va_end(arguments);
  problems++;
}

static void compare_floats(const char *what, const float *a, const float *b, size_t count, float tolerance) {
  compared += count;
  for (size_t i = 0; i < count; i++)
    if (memcmp(a + i, b + i, sizeof *a) != 0 && !(a[i] != a[i] && b[i] != b[i]) &&
        !(fabsf(a[i] - b[i]) <= tolerance * (1 + fabsf(a[i])))) {
      fail("%s[%zu] is %a with %s and %a with %s", what, i, (double)a[i], table[0]->name, (double)b[i],
           table[1]->name);
      return;
    }
}

void same_floats(const char *what, const float *a, const float *b, size_t count) {
  compare_floats(what, a, b, count, -1);
}

void close_floats(const char *what, const float *a, const float *b, size_t count) {
  compare_floats(what, a, b, count, 1e-5f);
}

void same_bytes(const char *what, const void *a, const void *b, size_t count) {
  compared += count;
  if (memcmp(a, b, count) != 0) fail("%s differs", what);
}

#ifndef HAS_ASAN
static void outside(int number) {
  fflush(stdout);
  fprintf(stderr, "%s: signal %d, memory outside of a block (%s)\n", name, number, context);
  _exit(1);
}
#endif

int main(int count, char **arguments) {
  if (count < 3 || count > 4) {
    fprintf(stderr, "usage: %s TABLE TABLE [SEED]\n", arguments[0]);
    return 2;
  }
  for (int i = 0; i < 2; i++) {
    table[i] = apus_kernels_for(arguments[i + 1]);
    if (!table[i]) {
      fprintf(stderr, "this machine has no table \"%s\"; its best is \"%s\"\n", arguments[i + 1],
              apus_kernels_best()->name);
      return 2;
    }
  }
  if (count == 4) state = strtoull(arguments[3], 0, 0);
#ifndef HAS_ASAN
  signal(SIGSEGV, outside);
  signal(SIGBUS, outside);
#endif
  compare_products();
  compare_rows();
  compare_attention();
  close_function();
  if (failures) printf("%s and %s differ: %zu failures\n", table[0]->name, table[1]->name, failures);
  else printf("%s and %s give the same bits\n", table[0]->name, table[1]->name);
  return failures != 0;
}
