import Foundation

/// The limit on files that the process may have open, connections among them.
package enum OpenFiles {
  /// Raises the limit as far as the system lets a process do it itself; often it starts at 1024.
  package static func raiseLimit() {
    var limit = rlimit()
    #if canImport(Glibc)
      let kind = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    #else
      let kind = RLIMIT_NOFILE
    #endif
    guard getrlimit(kind, &limit) == 0, limit.rlim_cur < limit.rlim_max else { return }
    limit.rlim_cur = limit.rlim_max
    _ = setrlimit(kind, &limit)
  }
}
