import NIOCore

/// One HTTP request.
struct OutgoingRequest: Sendable {
  var method: String
  /// The whole path, the server's prefix included.
  var path: String
  var headers: [(name: String, value: String)]
  var body: ByteBuffer
}

/// Takes what comes back for one request. Calls come one after the other; times are nanoseconds.
///
/// After `ended` or `failed` nothing that counts comes any more.
protocol ExchangeReceiver: AnyObject, Sendable {
  func responded(status: Int, contentType: String)
  func received(_ bytes: ByteBuffer, at time: Int64)
  func ended(at time: Int64)
  func failed(_ failure: LoadFailure, at time: Int64)
}

/// Sends requests to one server.
protocol Transport: Sendable {
  /// Sends a request at once, on a connection that no other one uses; the closure that it returns gives it up.
  func send(
    _ request: OutgoingRequest, to receiver: any ExchangeReceiver
  ) -> @Sendable () -> Void

  /// Closes what is open.
  func shutdown() async
}

/// Now, in nanoseconds of the monotonic clock.
func monotonicTime() -> Int64 { Int64(NIODeadline.now().uptimeNanoseconds) }
