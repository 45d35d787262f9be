#!/usr/bin/perl
# Clients of `deno task bench delivery`: each is a process with one connection or
# one loop, which gives the next message when the last one is answered.
#
#   load.pl MODE NAME=VALUE...
#
# Perl, because the clients share the cores with what is measured, and a system
# call costs little here. Every mode uses the same loop and the same clock.
#
#   bare     write tmp/FILE, fsync, rename into new/, fsync of new/
#   openssl  `openssl cms -encrypt` into tmp/FILE, then the same
#   http     POST to the intake's socket
#   lmtp     LMTP (RFC 2033) over a socket
#   smtp     SMTP to a port of this machine
#
# Names: clients, seconds (of the loop; a message that is under way is finished),
# count (messages of all clients instead of seconds), message (file, CRLF),
# boxes (file: a line "ID RECIPIENT" each), run (in names of files),
# folder (bare, openssl: of the mailboxes), certs (openssl: files with commas),
# socket, port, xforward (lmtp: 1 gives the queue id as Postfix does).
#
# Prints: seconds, CPU seconds of the clients, then milliseconds of each message,
# or "deferred" for each temporary refusal, after which the client tries again.
use strict;
use warnings;
use Fcntl qw(O_WRONLY O_CREAT O_EXCL);
use IO::Handle;
use IO::Socket::INET;
use IO::Socket::UNIX;
use POSIX ();
use Time::HiRes qw(time);

my $mode = shift @ARGV;
my %arg = map { split /=/, $_, 2 } @ARGV;
my $message = slurp($arg{message});
my @boxes = map { [split] } split /\n/, slurp($arg{boxes});
my $number;

sub slurp {
  my ($path) = @_;
  open my $file, '<:raw', $path or die "$path: $!\n";
  local $/;
  return scalar <$file>;
}

# Makes what has been written to a file or a directory durable.
sub make_durable {
  my ($handle) = @_;
  $handle->sync or die "fsync: $!\n";
}

sub show {
  my ($box, $file) = @_;
  rename "$box/tmp/$file", "$box/new/$file" or die "rename: $!\n";
  open my $folder, '<', "$box/new" or die "open: $!\n";
  make_durable($folder);
}

sub bare {
  return sub {
    my ($id, undef, $count) = @_;
    my ($box, $file) = ("$arg{folder}/$id", "$arg{run}.$number.$count");
    sysopen my $handle, "$box/tmp/$file", O_WRONLY | O_CREAT | O_EXCL, 0600
      or die "open: $!\n";
    send_all($handle, $message);
    make_durable($handle);
    close $handle;
    show($box, $file);
  };
}

sub openssl {
  my @certs = split /,/, $arg{certs};
  return sub {
    my ($id, undef, $count) = @_;
    my ($box, $file) = ("$arg{folder}/$id", "$arg{run}.$number.$count");
    my @command = (
      'openssl', 'cms', '-encrypt', '-aes-256-cbc', '-in', $arg{message},
      '-out', "$box/tmp/$file", @certs,
    );
    system(@command) == 0 or die "openssl: $?\n";
    open my $handle, '+<', "$box/tmp/$file" or die "open: $!\n";
    make_durable($handle);
    close $handle;
    show($box, $file);
  };
}

sub send_all {
  my ($handle, @parts) = @_;
  for my $part (@parts) {
    my $offset = 0;
    while ($offset < length $part) {
      my $written = syswrite $handle, $part, length($part) - $offset, $offset;
      die "write: $!\n" unless defined $written;
      $offset += $written;
    }
  }
}

sub unix_socket {
  return IO::Socket::UNIX->new(Peer => $arg{socket})
    || die "$arg{socket}: $!\n";
}

# Small messages go with their head in one write, as any client does it.
sub with_head {
  my ($head) = @_;
  return length $message <= 65_536 ? ($head . $message) : ($head, $message);
}

sub http {
  my $socket = unix_socket();
  my $size = length $message;
  return sub {
    my ($id, $recipient) = @_;
    my $queue = queue_id();
    my $query = "vaultbox_id=$id&queue_id=$queue"
      . "&sender=bob%40sender.example&recipient=$recipient";
    send_all($socket, with_head(
      "POST /intake/messages?$query HTTP/1.1\r\nHost: intake\r\n"
        . "Content-Length: $size\r\n\r\n",
    ));
    my $answer = '';
    until ($answer =~ /\r\n\r\n/) { read_more($socket, \$answer) }
    my ($length) = $answer =~ /^content-length: *(\d+)/mi or die $answer;
    my $end = index($answer, "\r\n\r\n") + 4 + $length;
    read_more($socket, \$answer) while length $answer < $end;
    die "deferred\n" if $answer =~ /^HTTP\/1.1 (?:429|503) /;
    die $answer unless $answer =~ /^HTTP\/1.1 200 /;
  };
}

sub read_more {
  my ($socket, $answer) = @_;
  my $got = sysread $socket, $$answer, 65_536, length $$answer;
  die "read: $!\n" unless defined $got;
  die "The server has closed the connection\n" if $got == 0;
}

# Reads replies (RFC 5321 section 4.2), each of one class at least.
sub replies {
  my ($socket, @classes) = @_;
  my $answer = '';
  for my $class (@classes) {
    until ($answer =~ /^\d{3}(?: .*)?\r\n/m) { read_more($socket, \$answer) }
    $answer =~ s/\A(?:\d{3}-.*\r\n)*(\d)\d\d.*\r\n//;
    die "deferred\n" if $1 == 4;
    die "Refused: $& $answer\n" if $1 != $class;
  }
}

sub mail_dialog {
  my ($socket, $hello) = @_;
  my $body = $message;
  $body =~ s/^\./../mg;
  $body .= ".\r\n";
  replies($socket, 2);
  send_all($socket, "$hello client.example\r\n");
  replies($socket, 2);
  return sub {
    my ($id, $recipient, $count) = @_;
    my $ident = queue_id();
    my @before = $arg{xforward}
      ? ("XFORWARD NAME=client.example ADDR=192.0.2.1 SOURCE=REMOTE IDENT=$ident\r\n")
      : ();
    my $to = $recipient =~ s/%40/@/r;
    send_all($socket, join '', @before,
      "MAIL FROM:<bob\@sender.example>\r\n", "RCPT TO:<$to>\r\n", "DATA\r\n");
    replies($socket, (2) x @before, 2, 2, 3);
    send_all($socket, $body);
    replies($socket, 2);
  };
}

sub lmtp { return mail_dialog(unix_socket(), 'LHLO') }

sub smtp {
  my $socket = IO::Socket::INET->new(
    PeerAddr => '127.0.0.1', PeerPort => $arg{port}, Proto => 'tcp',
  ) || die "$arg{port}: $!\n";
  return mail_dialog($socket, 'EHLO');
}

my $serial = 0;

# A long queue id of Postfix: seconds, microseconds, z and the inode.
sub queue_id {
  my ($seconds, $micros) = Time::HiRes::gettimeofday();
  return digits($seconds, 6) . digits($micros, 4) . 'z'
    . digits51($number * 1_000_000 + $serial++);
}

sub digits {
  my ($value, $length) = @_;
  my $text = '';
  my @digits = split //, '0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz';
  while ($value > 0) {
    $text = $digits[$value % 52] . $text;
    $value = int($value / 52);
  }
  return ('0' x ($length - length $text)) . $text;
}

sub digits51 {
  my ($value) = @_;
  my @digits = split //, '0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxy';
  my $text = '';
  do {
    $text = $digits[$value % 51] . $text;
    $value = int($value / 51);
  } while $value > 0;
  return $text;
}

sub client {
  my ($results) = @_;
  no strict 'refs';
  my $deliver = &{"main::$mode"}();
  my $share = defined $arg{count}
    ? int($arg{count} / $arg{clients})
      + ($number < $arg{count} % $arg{clients} ? 1 : 0)
    : undef;
  my $end = time + ($arg{seconds} // 0);
  my $lines = '';
  # Clients begin far apart in the list and so meet different mailboxes.
  my $next = int($number * @boxes / $arg{clients});
  for (my $count = 0; ; $count++) {
    last if defined $share ? $count >= $share : $count > 0 && time >= $end;
    my ($id, $recipient) = @{ $boxes[$next++ % @boxes] };
    my $begin = time;
    until (eval { $deliver->($id, $recipient, $count); 1 }) {
      die $@ if $@ ne "deferred\n";
      # As Postfix would, only sooner.
      $lines .= "deferred\n";
      Time::HiRes::sleep(0.1);
      $deliver = &{"main::$mode"}();
    }
    $lines .= sprintf "%.3f\n", (time - $begin) * 1000;
  }
  syswrite $results, $lines;
}

my %modes = map { $_ => 1 } qw(bare openssl http lmtp smtp);
die "load.pl: unknown mode\n" unless $mode && $modes{$mode};
# A file without a name, since a pipe would fill up. All clients write to its end:
# they share the offset.
open my $results, '+>', undef or die "open: $!\n";
my $begin = time;
for my $client (0 .. $arg{clients} - 1) {
  $number = $client;
  my $pid = fork // die "fork: $!\n";
  next if $pid;
  eval { client($results); 1 } or do {
    print STDERR "load.pl $mode: $@";
    POSIX::_exit(1);
  };
  POSIX::_exit(0);
}
my $failed = 0;
while (wait > 0) { $failed++ if $? }
exit 1 if $failed;
my $seconds = time - $begin;
my (undef, undef, $user, $system) = times;
printf "%.6f\n%.3f\n", $seconds, $user + $system;
sysseek $results, 0, 0;
while (sysread $results, my $chunk, 65_536) { print $chunk }
