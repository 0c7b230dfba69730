/// Counts what a render spends, so that no template runs long, grows large or nests deep.
///
/// Templates come with model files and are as trustworthy as those. Time is counted in steps (one evaluated node, or
/// 64 bytes looked at); memory is counted when it is asked for and never given back, which bounds what lives as well.
final class TemplateMeter {
  // What nests is limited such that the deepest template, over the deepest values, fits in a stack of 512 KiB; without
  // optimization a level takes several times as much.
  #if DEBUG
    static let depthLimit = 80
    static let nestingLimit = 36
    static let valueDepthLimit = 40
  #else
    /// Nested statements, calls and expressions during a render.
    static let depthLimit = 300
    /// Nested parentheses, operators and blocks in the source.
    static let nestingLimit = 100
    /// Lists in lists: what walks over values recurses this deep.
    static let valueDepthLimit = 128
  #endif
  /// The longest `range`, as in jinja2's sandbox.
  static let rangeLimit = 100_000
  static let sourceLimit = 1 << 20

  private var steps: Int
  private var bytes: Int
  /// The longest string and the longest output, in bytes.
  let textLimit: Int

  init(inputBytes: Int) {
    steps = 10_000_000 + 2 * inputBytes
    bytes = max(256 << 20, 64 * inputBytes)
    textLimit = max(16 << 20, 16 * inputBytes)
  }

  func step() throws {
    steps -= 1
    if steps < 0 { throw TemplateFault.limit("too many steps") }
  }

  func spend(_ count: Int) throws {
    steps -= count
    if steps < 0 { throw TemplateFault.limit("too many steps") }
  }

  /// Counts looking at bytes of text.
  func read(_ count: Int) throws {
    try spend(count >> 6)
  }

  /// Counts looking up the properties of every scalar of a text.
  func readScalars(of text: TemplateText) throws {
    try read(text.isASCII ? 4 * text.bytes.count : 32 * text.bytes.count)
  }

  /// Counts memory about to be allocated.
  func allocate(_ count: Int) throws {
    bytes -= count
    if bytes < 0 { throw TemplateFault.limit("too much memory") }
    steps -= count >> 6
    if steps < 0 { throw TemplateFault.limit("too many steps") }
  }

  /// Counts a string about to be made.
  func makeText(_ count: Int) throws {
    if count > textLimit { throw TemplateFault.limit("text longer than \(textLimit) bytes") }
    try allocate(count + 48)
  }

  /// Counts `count` repetitions of `size` bytes about to be made, refusing products that overflow.
  func makeText(_ size: Int, times count: Int) throws {
    let (product, overflow) = size.multipliedReportingOverflow(by: max(0, count))
    if overflow { throw TemplateFault.limit("text longer than \(textLimit) bytes") }
    try makeText(product)
  }

  /// Counts a container of `count` elements about to be made.
  func makeElements(_ count: Int) throws {
    if count > 1 << 40 { throw TemplateFault.limit("too much memory") }
    try allocate(64 + 32 * count)
  }
}
