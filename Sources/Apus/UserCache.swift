import Foundation

/// Where programs of this user keep what they can make anew.
package enum UserCache {
  /// `XDG_CACHE_HOME` or `~/.cache`; a variable that is empty counts as none.
  package static func folder(
    _ environment: [String: String] = ProcessInfo.processInfo.environment
  ) -> String {
    func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
    return value("XDG_CACHE_HOME") ?? (value("HOME") ?? NSHomeDirectory()) + "/.cache"
  }
}
