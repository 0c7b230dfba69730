import ApusCompute
import Foundation

/// The lines of a batch's input; they stay in the file until they are wanted.
struct BatchInput {
  /// Where a line stands, without its end.
  struct Place: Sendable {
    /// Counted from 1, blank lines too.
    let number: Int
    let range: Range<Int>
  }

  let path: String
  /// Without blank ones.
  let places: [Place]
  private let file: MappedFile

  /// Throws `BatchError` or `FileError`.
  init(path: String) throws {
    self.path = path
    guard FileManager.default.fileExists(atPath: path) else {
      throw BatchError.cannotRead(path: path, reason: "it does not exist")
    }
    file = try MappedFile(path: path)
    places = Self.find(in: file)
  }

  func bytes(_ place: Place) -> [UInt8] { file.bytes(place.range) }

  private static func find(in file: MappedFile) -> [Place] {
    let chunk = 1 << 20
    var places: [Place] = []
    var (start, number, isBlank) = (0, 1, true)
    for base in stride(from: 0, to: file.count, by: chunk) {
      let bytes = file.bytes(base..<min(base + chunk, file.count))
      for (index, byte) in bytes.enumerated() {
        if byte == UInt8(ascii: "\n") {
          if !isBlank { places.append(Place(number: number, range: start..<base + index)) }
          (start, number, isBlank) = (base + index + 1, number + 1, true)
        } else if byte != UInt8(ascii: " "), byte != UInt8(ascii: "\t"), byte != UInt8(ascii: "\r")
        {
          isBlank = false
        }
      }
      file.release(base..<base + bytes.count)
    }
    if !isBlank { places.append(Place(number: number, range: start..<file.count)) }
    return places
  }
}
