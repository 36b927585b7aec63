package main_test

import (
	"testing"

	"spotter/internal/awslocal"
	cloudtable "spotter/sync/dynamodb"
)

// TestTableAfterStop stops a box right after it has analysed something: what the table says was analysed is what the box had
// analysed, so that look-ups from the table are not short of the last seconds for as long as the box rests.
func TestTableAfterStop(t *testing.T) {
	t.Parallel()
	endpoint := awslocal.DynamoDB(t)
	items := newTable(t, endpoint, tableName)
	o := newOrigin(t, 12, 5)
	b := start(t, config(newData(t), eager, o.media(), "sync: {dynamodb: }"), "AWS_ENDPOINT_URL_DYNAMODB="+endpoint)
	b.analyzed("cup", 3*second)
	o.Publish(2)
	b.analyzed("cup", 5*second)
	until := b.status("cup").AnalyzedUntil
	b.stop()
	tab := &cloudtable.Table{Client: items.client, Name: tableName}
	list, err := tab.States(t.Context())
	if err != nil || len(list) != 1 || list[0].Status.AnalyzedUntil == nil || *list[0].Status.AnalyzedUntil < *until {
		t.Errorf("%v: the table has %+v, the box had analysed until %v", err, list, *until)
	}
}
