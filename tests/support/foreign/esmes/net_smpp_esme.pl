# An ESME on Net::SMPP, for what shape.py says. Texts are octets to it; long ones go as message_payload. A warning
# of the library, as at a TLV that SMPP 3.4 does not name, ends the program.

use strict;
use warnings;

use JSON::PP;
use Net::SMPP;

use constant PATIENCE => 30;    # seconds for one account

my $task = decode_json($ARGV[0]);
local $SIG{__WARN__} = sub { die "Net::SMPP warns: @_" };
$| = 1;

sub bind_as {
    my ($account, $password) = @_;
    my ($smpp, $answer) = Net::SMPP->new_transceiver(
        '127.0.0.1',
        port      => $task->{port},
        system_id => $account,
        password  => $password,
    );
    die "bind was not answered\n" unless defined $answer;
    return ($smpp, $answer);
}

sub submit {
    my ($smpp, $errand) = @_;
    my $octets = pack 'H*', $errand->{octets};
    my $fits   = length($octets) <= 254;
    return $smpp->submit_sm(
        async                  => 1,
        source_addr_ton        => 5,
        source_addr_npi        => 0,
        source_addr            => $task->{sender},
        dest_addr_ton          => 1,
        dest_addr_npi          => 1,
        destination_addr       => $errand->{to},
        registered_delivery    => 1,
        data_coding            => $errand->{data_coding},
        user_message_reference => pack('n', $errand->{reference}),
        short_message          => $fits ? $octets : '',
        $fits ? () : (message_payload => $octets),
    );
}

sub greeting {
    my ($pdu) = @_;
    return {
        source      => $pdu->{source_addr},
        octets      => unpack('H*', $pdu->{short_message}),
        data_coding => $pdu->{data_coding},
    };
}

sub receipt {
    my ($pdu) = @_;
    my $message_id = $pdu->{receipted_message_id};
    $message_id =~ s/\0$// if defined $message_id;
    return {
        source     => $pdu->{source_addr},
        octets     => unpack('H*', $pdu->{short_message}),
        message_id => $message_id,
        state      => defined $pdu->{message_state} ? ord $pdu->{message_state} : undef,
        reference  => defined $pdu->{user_message_reference} ? unpack('n', $pdu->{user_message_reference}) : undef,
    };
}

sub visit {
    my ($order) = @_;
    my (undef, $refusal) = bind_as($order->{account}, $task->{wrong});
    my ($smpp, $answer) = bind_as($order->{account}, $task->{password});
    die 'bind refused: ' . $answer->explain_status() . "\n" if $answer->status();
    my %names = map { submit($smpp, $order->{$_}) => $_ } qw(short long lost);
    my (%answers, @receipts, @greetings);
    while (keys %answers < 3 || @receipts < 2 || !@greetings) {
        my $pdu = $smpp->read_pdu() or die "the connection ended\n";
        if ($pdu->cmd() == Net::SMPP::CMD_submit_sm_resp) {
            $answers{ $names{ $pdu->seq() } } = $pdu;
        }
        elsif ($pdu->cmd() == Net::SMPP::CMD_deliver_sm) {
            if ($pdu->{esm_class} & 4) {
                push @receipts, receipt($pdu);
            }
            else {
                push @greetings, greeting($pdu);
            }
            $smpp->deliver_sm_resp(seq => $pdu->seq(), message_id => '');
        }
    }
    my $unbound = $smpp->unbind();
    return {
        refused  => $refusal->status(),
        short    => $answers{short}->message_id(),
        long     => [ $answers{long}->message_id() ],
        lost     => $answers{lost}->status(),
        receipts => \@receipts,
        greetings => \@greetings,
        unbound  => $unbound && $unbound->status() == 0 ? JSON::PP::true : JSON::PP::false,
    };
}

$SIG{ALRM} = sub { die "nothing came for so long\n" };
for my $order (@{ $task->{orders} }) {
    alarm PATIENCE;
    my $told = eval { visit($order) } || { error => "$@" };
    print encode_json({ account => $order->{account}, %{$told} }), "\n";
}
