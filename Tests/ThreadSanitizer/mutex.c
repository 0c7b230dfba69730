// Tells the thread sanitizer of Swift's Mutex. A thread that finds one taken waits, and wakes others, in the standard
// library, which is not built with the sanitizer: without this it takes what such a lock guards for a race. Loaded
// before the program by Tests/thread.sh.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdint.h>

// What happened before a release of an address happened before what follows its acquire.
extern void __tsan_acquire(void *) __attribute__((weak));
extern void __tsan_release(void *) __attribute__((weak));

#define SWIFT __attribute__((swiftcall))
#define SELF __attribute__((swift_context)) void *mutex
#define LOCK "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define UNLOCK "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

typedef SWIFT void (*lock_function)(uint32_t, SELF);
typedef SWIFT void (*unlock_function)(SELF);

// The standard library's own function.
static void *real(_Atomic(void *) *found, const char *name) {
  void *function = atomic_load(found);
  if (!function) {
    function = dlsym(RTLD_NEXT, name);
    atomic_store(found, function);
  }
  return function;
}

SWIFT void lock(uint32_t thread, SELF) __asm__(LOCK);
SWIFT void unlock(SELF) __asm__(UNLOCK);

SWIFT void lock(uint32_t thread, SELF) {
  static _Atomic(void *) found;
  ((lock_function)real(&found, LOCK))(thread, mutex);
  if (__tsan_acquire) __tsan_acquire(mutex);
}

SWIFT void unlock(SELF) {
  static _Atomic(void *) found;
  if (__tsan_release) __tsan_release(mutex);
  ((unlock_function)real(&found, UNLOCK))(mutex);
}
