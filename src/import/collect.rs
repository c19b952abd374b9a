//! The PowerShell command that collects everything an import needs in one file.

/// One line for the Exchange Management Shell of the server. It reads and changes nothing; its output holds
/// no private key and no password.
pub const COLLECT: &str = concat!(
    r#"[pscustomobject]@{"#,
    r#"Server=@(Get-ExchangeServer $env:COMPUTERNAME|Select Name,Fqdn,@{n='ServerRole';e={"$($_.ServerRole)"}},@{n='AdminDisplayVersion';e={"$($_.AdminDisplayVersion)"}},"#,
    r#"@{n='InternalTransportCertificateThumbprint';e={"$((Get-TransportService $_.Name).InternalTransportCertificateThumbprint)"}});"#,
    r#"Receive=@(Get-ReceiveConnector -Server $env:COMPUTERNAME|Select * -ExcludeProperty SerializationData,RunspaceId|%{$o=[ordered]@{};"#,
    r#"foreach($p in $_.PSObject.Properties){$o[$p.Name]=if($null -eq $p.Value){$null}elseif($p.Value -is [bool]){$p.Value}elseif($p.Value -is [string]){$p.Value}elseif($p.Value -is [Collections.IEnumerable]){,@($p.Value|%{"$_"})}else{"$($p.Value)"}};[pscustomobject]$o});"#,
    r#"Send=@(Get-SendConnector|Select * -ExcludeProperty SerializationData,RunspaceId,AuthenticationCredential|%{$o=[ordered]@{};"#,
    r#"foreach($p in $_.PSObject.Properties){$o[$p.Name]=if($null -eq $p.Value){$null}elseif($p.Value -is [bool]){$p.Value}elseif($p.Value -is [string]){$p.Value}elseif($p.Value -is [Collections.IEnumerable]){,@($p.Value|%{"$_"})}else{"$($p.Value)"}};[pscustomobject]$o});"#,
    r#"Certificates=@(Get-ExchangeCertificate|%{[pscustomobject]@{Thumbprint=$_.Thumbprint;Subject=$_.Subject;Issuer=$_.Issuer;CertificateDomains=@($_.CertificateDomains|%{"$_"});"#,
    r#"NotBefore=$_.NotBefore.ToUniversalTime().ToString('o');NotAfter=$_.NotAfter.ToUniversalTime().ToString('o');Services="$($_.Services)";Status="$($_.Status)";RootCAType="$($_.RootCAType)";"#,
    r#"HasPrivateKey=$_.HasPrivateKey;IsSelfSigned=$_.IsSelfSigned;PublicKeySize=$_.PublicKeySize;RawData=[Convert]::ToBase64String($_.RawData);PSComputerName=$env:COMPUTERNAME}});"#,
    r#"Domains=@(Get-AcceptedDomain|%{[pscustomobject]@{DomainName="$($_.DomainName)";DomainType="$($_.DomainType)"}});"#,
    r#"Events=@(Get-WinEvent -FilterHashtable @{LogName='Application';Id=12012,12013,12014,12015,12016,12017,12018,12023,12024} -MaxEvents 20 -ErrorAction SilentlyContinue|%{[pscustomobject]@{Id=$_.Id;ProviderName=$_.ProviderName;LevelDisplayName=$_.LevelDisplayName;TimeCreated=$_.TimeCreated.ToUniversalTime().ToString('o');MachineName=$_.MachineName;Message=$_.Message}})"#,
    r#"}|ConvertTo-Json -Depth 6|Out-File -Encoding utf8 starttls-lab.json"#,
);
