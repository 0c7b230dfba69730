import ApusCore
import Testing

@Suite struct ByteCountTests {
  @Test(arguments: [
    ("0", 0), ("512", 512), ("1000000", 1_000_000), ("1K", 1024), ("512M", 512 << 20),
    ("4GiB", 4 << 30), ("4gb", 4 << 30), ("2T", 2 << 40), ("1.5k", 1536), ("7B", 7),
  ])
  func parses(text: String, bytes: Int) {
    #expect(ByteCount(parsing: text) == ByteCount(bytes))
  }

  @Test(arguments: [
    "", "M", "-1", "-1K", "1X", "1 K", "K1", "nan", "inf", "1e30", "9999999T", "1iB2",
  ])
  func refuses(text: String) {
    #expect(ByteCount(parsing: text) == nil)
  }

  @Test func describes() {
    #expect(ByteCount(0).description == "0 B")
    #expect(ByteCount(1023).description == "1023 B")
    #expect(ByteCount(1536).description == "1.5 KiB")
    #expect(ByteCount(4 << 30).description == "4.0 GiB")
  }
}
