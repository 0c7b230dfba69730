import ApusCore
import ApusServer
import Foundation
import Logging
import Testing

@Suite struct LogFormatTests {
  private func line(_ format: LogFormat, _ message: String, _ fields: Logger.Metadata) -> String {
    let event = LogEvent(
      level: .info, message: "\(message)", metadata: nil, source: nil, file: "", function: "",
      line: 0)
    return format.line(event, fields, at: Date(timeIntervalSince1970: 1.5))
  }

  @Test func fieldsAreSortedAndTyped() throws {
    let fields: Logger.Metadata = [
      "b": .stringConvertible(2), "a": "x", "c": .stringConvertible(0.5), "d": "two words",
      "e": ["1", "2"], "f": "",
    ]
    #expect(
      line(.text, "request", fields)
        == #"1970-01-01T00:00:01.500Z info request a=x b=2 c=0.5 d="two words" e=["1","2"] f="""#)
    #expect(
      line(.json, "request", fields)
        == #"{"time":"1970-01-01T00:00:01.500Z","level":"info","message":"request","a":"x","b":2,"c":0.5,"d":"two words","e":["1","2"],"f":""}"#
    )
  }

  /// A client that chooses a path or a name cannot write lines of its own or steer a terminal.
  @Test func whatClientsSendCannotForgeALine() throws {
    for hostile in [
      "a\nb", "a\r\nb", "a\u{1B}[2Jb", "a\u{2028}b", "a\u{85}b", "a\" x=\"b", "\u{202E}a",
    ] {
      for format in LogFormat.allCases {
        let text = line(format, hostile, ["path": .string(hostile), "list": [.string(hostile)]])
        #expect(text.split(whereSeparator: \.isNewline).count == 1 || format == .json)
        #expect(!text.contains("\n") && !text.contains("\r") && !text.contains("\u{1B}"))
        if format == .json {
          #expect(try JSONValue(parsing: text)["path"]?.stringValue == hostile)
        }
      }
    }
  }
}
