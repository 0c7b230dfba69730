import ApusCompute
import Foundation
import Testing

@Suite(.serialized) struct ContentHashTests {
  /// Of 0, 1, 2 … 250, 0 …, as Python's `hashlib.blake2b(data, digest_size=32)` has them.
  @Test(arguments: [
    (0, "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8"),
    (1, "03170a2e7597b7b7e3d84c05391d139a62b157e78786d8c082f29dcf4c111314"),
    (128, "c3582f71ebb2be66fa5dd750f80baae97554f3b015663c8be377cfcb2488c1d1"),
    (129, "f7f3c46ba2564ff4c4c162da1f5b605f9f1c4aa6a20652a9f9a337c1a2f5b9c9"),
    (256, "582f782226018ec33076bd8d1c42413530ac7e1126260ffc0f306ba3befc3f24"),
    (5000, "380a35589ac0b8796076c76b284d2e0dd0842d3eac226475610946e0c2277b8b"),
  ])
  func isBLAKE2b(count: Int, expected: String) {
    #expect(ContentHash.hexadecimal(numbered(count)) == expected)
  }

  /// The digest of a file is that of its pieces' digests, whatever the number of threads.
  @Test func hashesFilesInPieces() throws {
    let folder = try PackFolder()
    let bytes = numbered((2 << 20) + 77)
    let file = try MappedFile(path: folder.write(bytes, "file"))
    let pieces = [bytes[..<(1 << 20)], bytes[(1 << 20)..<(2 << 20)], bytes[(2 << 20)...]]
    let digests = pieces.flatMap { piece -> [UInt8] in
      let digits = Array(ContentHash.hexadecimal(Array(piece)))
      return stride(from: 0, to: digits.count, by: 2).map {
        UInt8(String(digits[$0...$0 + 1]), radix: 16)!
      }
    }
    for threads in [1, 3] {
      #expect(
        ContentHash.hexadecimal(file, pool: WorkerPool(threadCount: threads))
          == ContentHash.hexadecimal(digests))
    }
  }

  private func numbered(_ count: Int) -> [UInt8] { (0..<count).map { UInt8($0 % 251) } }
}
