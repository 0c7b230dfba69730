import ApusCore
import Hummingbird

extension ByteBuffer {
  /// Adds `data: {json}` and an empty line, with the event's name before it if it has one; JSON text has no line breaks.
  mutating func writeEvent(_ value: JSONValue, name: String? = nil) {
    if let name { writeString("event: \(name)\n") }
    writeString("data: ")
    writeBytes(value.utf8)
    writeString("\n\n")
  }

  /// Adds the event that ends a stream.
  mutating func writeTerminator(_ text: String?) {
    if let text { writeString("data: \(text)\n\n") }
  }
}
