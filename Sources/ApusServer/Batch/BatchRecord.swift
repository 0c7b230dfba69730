import ApusCore
import Foundation

/// A line of output, in OpenAI's form: a request's answer with its HTTP status, or why there is none.
struct BatchRecord {
  let key: BatchKey
  /// Whether the request has no answer.
  let isFailure: Bool
  let json: JSONValue

  private static let idPrefix = "batch_req_"

  /// How every record begins.
  static let start = Array(#"{"id":"\#(idPrefix)"#.utf8)

  init(customID: String, status: Int, body: JSONValue) {
    key = BatchKey(customID: customID)
    isFailure = status >= 400
    json = Self.object(
      customID,
      response: [
        "status_code": .integer(Int64(status)),
        "request_id": .string("req_" + RequestID.make()),
        "body": body,
      ], error: .null)
  }

  /// `line` is counted from 1.
  init(_ error: BatchLineError, line: Int) {
    key = error.customID.map(BatchKey.init(customID:)) ?? .line(line)
    isFailure = true
    json = Self.object(
      error.customID, response: .null,
      error: [
        "code": .string(error.code.rawValue), "message": .string("line \(line): \(error.message)"),
        "param": error.parameter.map { .string($0) } ?? .null, "line": .integer(Int64(line)),
      ])
  }

  private static func object(
    _ customID: String?, response: JSONValue, error: JSONValue
  ) -> JSONValue {
    [
      "id": .string(idPrefix + RequestID.make()),
      "custom_id": customID.map { .string($0) } ?? .null,
      "response": response, "error": error,
    ]
  }

  /// Reads a record that was written before; throws what is wrong with it.
  init(parsing bytes: [UInt8]) throws(Malformed) {
    do {
      json = try JSONValue(parsing: bytes)
    } catch {
      throw Malformed(reason: "it is \(error)")
    }
    guard let object = json.objectValue, let response = object["response"],
      let error = object["error"], response.isNull != error.isNull
    else { throw Malformed(reason: "it has no response and no error") }
    if let id = object["custom_id"]?.stringValue {
      key = BatchKey(customID: id)
    } else if let line = error["line"]?.intValue {
      key = .line(line)
    } else {
      throw Malformed(reason: "it has no custom_id")
    }
    isFailure = (response["status_code"]?.intValue ?? 400) >= 400
  }

  struct Malformed: Error {
    let reason: String
  }
}
