import Foundation
import HTTPTypes

/// What names one request in answers and logs.
package enum RequestID {
  /// The client's `x-request-id`, if it is 1 to 128 letters, digits and marks; otherwise a new one.
  package static func of(_ headers: HTTPFields) -> String {
    if let given = headers[.requestID], isValid(given) { return given }
    return make()
  }

  /// 32 hexadecimal digits that no other call has given.
  package static func make() -> String {
    UUID().uuidString.replacing("-", with: "").lowercased()
  }

  package static func isValid(_ text: String) -> Bool {
    (1...128).contains(text.utf8.count)
      && text.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"):
          true
        default: "-_.:/+=@".utf8.contains(byte)
        }
      }
  }

  /// The trace that `traceparent` (W3C Trace Context) puts a request into; nil without a valid one.
  package static func trace(of headers: HTTPFields) -> String? {
    let parts = headers[.traceParent]?.split(separator: "-", omittingEmptySubsequences: false)
    guard let parts, parts.count >= 4, parts[1].utf8.count == 32,
      parts[1].utf8.allSatisfy({ "0123456789abcdef".utf8.contains($0) }),
      parts[1].contains(where: { $0 != "0" })
    else { return nil }
    return String(parts[1])
  }
}
