import ApusCore
import Hummingbird

extension ByteBuffer {
  /// One server-sent event.
  init(event value: JSONValue) {
    self.init()
    writeEvent(value)
  }

  /// Adds `data: {json}` and an empty line; JSON text has no line breaks.
  mutating func writeEvent(_ value: JSONValue) {
    writeString("data: ")
    writeBytes(value.utf8)
    writeString("\n\n")
  }

  /// Adds the event that ends a stream.
  mutating func writeTerminator(_ text: String?) {
    if let text { writeString("data: \(text)\n\n") }
  }
}
